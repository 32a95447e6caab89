import type { Digest } from '@shoal/core';
import { registryHost } from '@shoal/registry';
import { detectSendfile, type Sendfile } from '@shoal/transport/sendfile';
import { PieceCache } from '@shoal/store';
import { type ClusterAuth, clusterAuth, followTls, clientTls, HttpPool, type Log } from '@shoal/service';
import { type SocketFactory, TlsSockets } from '@shoal/transport';
import { UpstreamSet } from '@shoal/upstreams';
import { ClusterBook } from './cluster/cluster-book.ts';
import { ClusterLearner } from './cluster/learner.ts';
import { loadNodeId, type NodeId } from './cluster/node-id.ts';
import type { AgentConfig } from './config.ts';
import type { AgentEvents } from './events.ts';
import { DiskRecords } from './disk-records.ts';
import { OriginClient } from './origin/origin-client.ts';
import { Origins } from './origin/origins.ts';
import { ReferrersBook } from './referrers/referrers-book.ts';
import { TagBook } from './tags/tag-book.ts';

/** What everything else of an agent stands on: the cache, the facts of the cluster, the way to the origins. */
export interface Ground {
  readonly config: AgentConfig;
  readonly events: AgentEvents;
  readonly log: Log;
  /** Milliseconds that never go back. */
  readonly clock: () => number;
  readonly prng: () => number;
  readonly auth: ClusterAuth;
  readonly pool: HttpPool;
  /** Of piece connections, when they are encrypted. */
  readonly sockets: SocketFactory | undefined;
  readonly origins: Origins;
  readonly book: ClusterBook;
  readonly learner: ClusterLearner;
  readonly cache: PieceCache;
  readonly node: NodeId;
  readonly records: DiskRecords;
  /** Undefined where it does not work or is switched off. */
  readonly sendfile: Sendfile | undefined;
  readonly tags: TagBook;
  readonly referrers: ReferrersBook;
  /** What this node may ask other registries for while no origin answers. */
  readonly upstreams: UpstreamSet;
  /** Whether a host of an `ns` query is a name of the cluster's own registry. */
  readonly isOwnName: (host: string) => boolean;
}

export interface GroundOptions extends Pick<Ground, 'config' | 'events' | 'log' | 'clock' | 'prng'> {
  /** Leaves the swarm of a blob whose files are about to go, or are gone. */
  readonly evict: (digest: Digest) => void;
}

/** Everything is closed with `parts`. @throws FolderInUseError, TlsFileError */
export const openGround = async (
  parts: AsyncDisposableStack,
  { evict, ...options }: GroundOptions,
): Promise<Ground> => {
  const { config, events, clock, log } = options;
  const { cache: cacheConfig, cluster, deadlines, trust } = config;
  const auth = clusterAuth(cluster.secret);
  const connect = clientTls('trust', trust);
  const pool = parts.adopt(new HttpPool({ connect }), (opened) => opened.destroy());
  const { tls: files } = config.pieces;
  const sockets = followTls(parts, { key: 'pieces.tls', files, log, open: (tls) => new TlsSockets(tls) });
  const clients = config.origins.map(
    (url) => new OriginClient({ url, auth, timeoutMs: deadlines.originMs, upstreamMs: deadlines.upstreamMs, pool }),
  );
  const opened = await PieceCache.open({
    ...cacheConfig,
    events: {
      onEvict: (blob) => {
        events.evicted(blob.digest, blob.size);
        evict(blob.digest);
      },
      onDropped: (digest, reason) => {
        events.cacheDropped(digest, reason);
        evict(digest);
      },
    },
  });
  const cache = parts.adopt(opened, () => opened.close());
  const node = await loadNodeId(cacheConfig.folder, Date.now);
  const book = await ClusterBook.open({ folder: cacheConfig.folder, clusterId: cluster.id, pinnedKeys: trust.keys });
  const origins = new Origins({ clients, clock, events, idOf: (url) => book.peerIdOf(url) });
  const learner = parts.adopt(new ClusterLearner({ book, origins, events, clock }), (started) => started.stop());
  const records = new DiskRecords(cache, events);
  const tags = new TagBook({ store: records, verify: book.verify });
  const referrers = new ReferrersBook({ store: records, verify: book.verify });
  const ownNames = new Set(
    [...config.registry.names, ...config.origins.map((url) => new URL(url).host)].map(registryHost),
  );
  const isOwnName = (host: string): boolean => ownNames.has(host) || book.isRegistryName(host);
  const upstreams = parts.use(new UpstreamSet({ config: config.upstreams, events: events.upstreams(), clock }));
  const sendfile = await detectSendfile(config.sendfile, log);
  const reach = { auth, pool, sockets, origins, upstreams };
  return { ...options, ...reach, book, learner, cache, node, records, tags, referrers, isOwnName, sendfile };
};
