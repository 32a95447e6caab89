import { registryHost } from '@shoal/registry';
import type { Log } from '@shoal/service';
import type { ColdEntry } from '../cold/cold-source.ts';
import type { OriginConfig } from '../config.ts';
import type { Content } from '../content.ts';
import type { OriginMetrics } from '../metrics.ts';
import type { OriginRing } from '../ring/origin-ring.ts';
import { UpstreamBlobs } from './blob-provider.ts';
import { Owners } from './owners.ts';
import { PullThrough } from './pull-through.ts';
import { UpstreamEvents } from './upstream-events.ts';
import { UpstreamLists } from './upstream-lists.ts';
import { UpstreamReferrers } from './upstream-referrers.ts';
import { UpstreamSet } from '@shoal/upstreams';

/** Everything of the origin that has to do with upstream registries. */
export interface UpstreamSide {
  readonly pullThrough: PullThrough;
  readonly lists: UpstreamLists;
  readonly referrers: UpstreamReferrers;
  /** The hosts of `registry.names`. */
  readonly ownNames: readonly string[];
  /** Whether a host is a name of this registry. */
  readonly isOwn: (host: string) => boolean;
}

export interface UpstreamSideOptions {
  readonly config: OriginConfig;
  readonly content: Content;
  readonly cold: Pick<ColdEntry, 'addProvider'>;
  readonly ring: OriginRing;
  readonly metrics: OriginMetrics;
  readonly log: Log;
}

/** Closed with `parts`. @throws TlsFileError */
export const openUpstreamSide = (
  parts: AsyncDisposableStack,
  { config, content, cold, ring, metrics, log }: UpstreamSideOptions,
): UpstreamSide => {
  const clock = (): number => performance.now();
  const events = new UpstreamEvents(metrics, log);
  const upstreams = parts.use(new UpstreamSet({ config: config.upstreams, events, clock }));
  const { negativeMs } = config.upstreams;
  const owners = new Owners(ring);
  const pullThrough = new PullThrough({ upstreams, content, events, owners, negativeMs, clock });
  cold.addProvider(new UpstreamBlobs({ upstreams, pullThrough, owners, events }));
  const ownNames = config.registry.names.map((name) => registryHost(name) ?? name);
  const own = new Set(ownNames);
  return {
    pullThrough,
    ownNames,
    lists: new UpstreamLists({ upstreams, events }),
    referrers: new UpstreamReferrers({ upstreams, events, clock }),
    // Without upstreams every name is this registry's; with them an unknown one must not be answered with other content.
    isOwn: (host) => own.has(host) || upstreams.isEmpty,
  };
};
