import { InvalidValueError, Type } from '@shoal/core';
import { schemaParser } from '@shoal/service';

/** An image that Harbor wants at the nodes. */
export interface Wanted {
  /** As nodes pull it: `harbor.example.com/library/nginx:1.2` */
  readonly image: string;
  /** Tells apart what the same tag meant at other times. */
  readonly digest: string;
}

/** Images of one request. */
const eventsMax = 50;
const text = Type.String({ maxLength: 2000 });

const parseNotification = schemaParser(
  Type.Object({
    events: Type.Array(
      Type.Object({
        action: Type.Optional(text),
        target: Type.Optional(
          Type.Union([
            Type.Object({
              digest: Type.Optional(text),
              repository: Type.Optional(text),
              url: Type.Optional(text),
              tag: Type.Optional(text),
            }),
            Type.Null(),
          ]),
        ),
      }),
      { maxItems: eventsMax },
    ),
  }),
);

/**
 * Pushes in a notification of a registry. Harbor's driver for Kraken sends names in capitals (`Events`, `Target`), the
 * registries of the distribution project in small letters. Source: github.com/goharbor/harbor,
 * src/pkg/p2p/preheat/models/notification; CNCF distribution, "Work with notifications".
 */
export const pushesIn = (body: unknown, host: string | undefined): Wanted[] =>
  parseNotification(withSmallNames(body)).events.flatMap(({ action, target }) => {
    // Blobs have no tag.
    if (action !== 'push' || !target?.url || !target.tag) return [];
    return wantedOf(target.url, host, target.tag, target.digest);
  });

const parseWebhook = schemaParser(
  Type.Object({
    type: text,
    event_data: Type.Optional(
      Type.Object({
        resources: Type.Optional(
          Type.Array(Type.Object({ digest: Type.Optional(text), tag: Type.Optional(text), resource_url: text }), {
            maxItems: eventsMax,
          }),
        ),
      }),
    ),
  }),
);

/** Pushes in the payload of a project's webhook. Source: goharbor.io, "Configure Webhook Notifications". */
export const pushesInWebhook = (body: unknown, host: string | undefined): Wanted[] => {
  const { type, event_data: data } = parseWebhook(body);
  if (type !== 'PUSH_ARTIFACT') return [];
  return (data?.resources ?? []).map(({ resource_url: url, digest = '' }) => ({
    image: host === undefined ? url : url.replace(/^[^/]+/, host),
    digest,
  }));
};

const parseJob = schemaParser(
  Type.Object({ type: Type.Literal('preheat'), args: Type.Object({ type: Type.Literal('image'), url: text }) }),
);

/** The image of a job of Dragonfly's API. Source: github.com/goharbor/harbor, src/pkg/p2p/preheat/provider/dragonfly.go. */
export const imageOfJob = (body: unknown, host: string | undefined): Wanted => {
  const { url } = parseJob(body).args;
  const [wanted] = wantedOf(url, host);
  if (wanted) return wanted;
  throw new InvalidValueError('args.url', url.slice(0, 200), allowedUrl);
};

const allowedUrl = 'allowed is https://host/v2/<name>/manifests/<tag or digest>';

/** Of the URL of a manifest, `https://harbor.example.com/v2/library/nginx/manifests/1.2`. */
const wantedOf = (raw: string, host: string | undefined, tag?: string, digest = ''): Wanted[] => {
  const url = URL.parse(raw);
  const [, name, reference = ''] = /^\/v2\/(.+)\/manifests\/([^/]+)$/.exec(url?.pathname ?? '') ?? [];
  if (!url || name === undefined) return [];
  const repository = `${host ?? url.host}/${name}`;
  const pulled = decodeURIComponent(tag ?? reference);
  return [{ image: pulled.includes(':') ? `${repository}@${pulled}` : `${repository}:${pulled}`, digest }];
};

const withSmallNames = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withSmallNames);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name.toLowerCase(), withSmallNames(inner)]));
};
