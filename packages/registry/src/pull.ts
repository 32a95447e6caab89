import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { clientUrl } from './client-url.ts';
import { type RegistryHandlers, registerRegistryRoutes, type RouteOf } from './dispatch.ts';
import { parseCount } from './errors.ts';
import type { ReadContext, ReadRegistry } from './read-registry.ts';
import type { SendOptions, SendResult } from './send-blob.ts';
import { encodeReferrers, indexType, ofType } from './referrers.ts';
import { hasEtag, serveBlob } from './serve-blob.ts';

export interface PullOptions extends SendOptions {
  /** Called once for every blob body that was begun. */
  readonly blobSent?: (route: RouteOf<'blob'>, result: SendResult) => void;
}

/** More tags than this are never asked for in one page. */
const tagLimitMax = 10_000;

/** The read half of the OCI Distribution API over a ReadRegistry: end-1, end-2, end-3, end-8 and end-12. */
export const pullHandlers = (registry: ReadRegistry, options: PullOptions): RegistryHandlers => {
  const { tags, referrers } = registry;
  return {
    ...onGetAndHead('base', (_route: unknown, request, reply) => ping(registry, request, reply)),
    ...onGetAndHead('manifest', (route: RouteOf<'manifest'>, request, reply) =>
      sendManifest(registry, route, request, reply),
    ),
    ...onGetAndHead('blob', (route: RouteOf<'blob'>, request, reply) =>
      sendBlobRoute(registry, route, request, reply, options),
    ),
    ...(tags &&
      onGetAndHead('tags', (route: RouteOf<'tags'>, request, reply) =>
        sendTags(tags.bind(registry), route, request, reply),
      )),
    ...(referrers &&
      onGetAndHead('referrers', (route: RouteOf<'referrers'>, request, reply) =>
        sendReferrers(referrers.bind(registry), route, request, reply),
      )),
  };
};

/** A pull-only registry: pushes are refused with a message that tells where to push to. */
export const registerPullRoutes = (
  app: FastifyInstance,
  registry: ReadRegistry,
  options: PullOptions & { readonly pushRefusedMessage: string },
): void =>
  registerRegistryRoutes(app, pullHandlers(registry, options), { unsupportedMessage: options.pushRefusedMessage });

type Handler<Route> = (route: Route, request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

const onGetAndHead = <Kind extends string, Route>(kind: Kind, handler: Handler<Route>) =>
  ({ [`GET ${kind}`]: handler, [`HEAD ${kind}`]: handler }) as {
    [Key in `GET ${Kind}` | `HEAD ${Kind}`]: Handler<Route>;
  };

const ping = async (registry: ReadRegistry, request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
  await registry.base?.(new RequestContext(request, reply));
  return reply.header('content-type', 'application/json').send('{}');
};

const sendManifest = async (
  registry: ReadRegistry,
  route: RouteOf<'manifest'>,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> => {
  const manifest = await registry.manifest(route.repository, route.reference, new RequestContext(request, reply));
  void reply.headers({
    ...manifest.headers,
    'docker-content-digest': manifest.digest,
    etag: `"${manifest.digest}"`,
    'content-type': manifest.mediaType,
  });
  if (hasEtag(request.headers['if-none-match'], manifest.digest)) return reply.code(304).send();
  void reply.header('content-length', manifest.size);
  if (request.method === 'HEAD') return reply.send();
  if (!manifest.bytes) throw new TypeError('a manifest was read without its bytes');
  return reply.send(asBuffer(manifest.bytes));
};

const sendBlobRoute = async (
  registry: ReadRegistry,
  route: RouteOf<'blob'>,
  request: FastifyRequest,
  reply: FastifyReply,
  options: PullOptions,
): Promise<unknown> => {
  const source = await registry.blob(route.repository, route.digest, new RequestContext(request, reply));
  const result = await serveBlob(source, route.digest, request, reply, options);
  if (result) options.blobSent?.(route, result);
  return reply;
};

const sendTags = async (
  tags: NonNullable<ReadRegistry['tags']>,
  route: RouteOf<'tags'>,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> => {
  const query = queryOf(request);
  const limit = parseCount('n', query.get('n'), tagLimitMax);
  const page = await tags(
    route.repository,
    { limit, last: query.get('last') ?? undefined },
    new RequestContext(request, reply),
  );
  const last = page.tags.at(-1);
  if (page.more && last !== undefined) {
    const ns = query.get('ns');
    const next = new URLSearchParams({
      ...(limit !== undefined && { n: String(limit) }),
      last,
      ...(ns !== null && { ns }),
    });
    void reply.header('link', `</v2/${route.repository}/tags/list?${next}>; rel="next"`);
  }
  return reply
    .header('content-type', 'application/json')
    .send(JSON.stringify({ name: route.repository, tags: page.tags }));
};

const sendReferrers = async (
  referrers: NonNullable<ReadRegistry['referrers']>,
  route: RouteOf<'referrers'>,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> => {
  const artifactType = queryOf(request).get('artifactType') ?? undefined;
  const all = await referrers(route.repository, route.digest, new RequestContext(request, reply));
  const manifests = artifactType === undefined ? all.manifests : ofType(all.manifests, artifactType);
  if (artifactType !== undefined) void reply.header('oci-filters-applied', 'artifactType');
  return reply.headers({ ...all.headers, 'content-type': indexType }).send(Buffer.from(encodeReferrers(manifests)));
};

/** The empty user with the empty password. */
const nobody = 'Basic Og==';

/** What most requests do not need is made when it is asked for. */
export class RequestContext implements ReadContext {
  readonly #request: FastifyRequest;
  readonly #reply: FastifyReply;
  #signal: AbortSignal | undefined;

  constructor(request: FastifyRequest, reply: FastifyReply) {
    this.#request = request;
    this.#reply = reply;
  }

  get method(): 'GET' | 'HEAD' {
    return this.#request.method as 'GET' | 'HEAD';
  }

  get authorization(): string | undefined {
    const { authorization } = this.#request.headers;
    return authorization === '' || authorization === nobody ? undefined : authorization;
  }

  get reachedAt(): string {
    return clientUrl(this.#request);
  }

  get upstream(): string | undefined {
    return this.#request.raw.url?.includes('?') ? (queryOf(this.#request).get('ns') ?? undefined) : undefined;
  }

  get signal(): AbortSignal {
    this.#signal ??= whileOpen(this.#reply);
    return this.#signal;
  }
}

const whileOpen = ({ raw }: FastifyReply): AbortSignal => {
  const left = new AbortController();
  const leave = (): void => left.abort(new Error('the client closed the connection'));
  if (raw.destroyed) leave();
  else raw.once('close', leave);
  return left.signal;
};

/** The query of a request, decoded once. Of a repeated key `get` gives the first value. */
export const queryOf = (request: FastifyRequest): URLSearchParams =>
  new URLSearchParams((request.raw.url ?? '').split('?').slice(1).join('?'));

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
