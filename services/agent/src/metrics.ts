import { counter, defineMetrics, gauge, histogram, type Metrics, secondsBuckets, sizeClasses } from '@shoal/service';

/** What an agent counts; docs/METRICS.md is made of it. */
export const agentMetrics = defineMetrics('agent', {
  received: counter(
    'received_bytes_total',
    'Verified bytes of content received, by source: another agent, an origin in the swarm, or an origin by HTTP.',
    { source: ['peer', 'origin', 'http'] },
  ),
  crossZone: counter(
    'received_cross_zone_bytes_total',
    'Of the bytes received over the piece protocol, those from another zone.',
  ),
  resumed: counter('resumed_bytes_total', 'Bytes found in the cache when an interrupted download went on.'),
  discarded: counter(
    'discarded_bytes_total',
    'Bytes of pieces that arrived and were thrown away: late after a cancel, a second copy, or never asked for.',
  ),
  corrupt: counter('pieces_corrupt_total', 'Pieces that did not match their hash.'),
  served: counter('served_bytes_total', 'Bytes of content sent, by receiver.', { to: ['peer', 'client'] }),
  piecesRefused: counter('piece_requests_refused_total', 'Requests of peers for pieces that were refused, by reason.', {
    reason: ['gone', 'overloaded', 'notHeld'],
  }),
  opens: counter(
    'blob_reads_total',
    'Blobs and manifests that clients began to read, by where they are: whole in the cache, being downloaded, being hashed after an unclean stop, or past the cache.',
    { from: ['cache', 'download', 'rehash', 'past_cache'] },
  ),
  firstByte: histogram(
    'first_byte_seconds',
    'From a request for a blob to its first byte, by the size of the blob.',
    secondsBuckets,
    { size: sizeClasses },
  ),
  blobSeconds: histogram(
    'blob_seconds',
    'From the start of a download to the complete blob, by the size of the blob.',
    secondsBuckets,
    { size: sizeClasses },
  ),
  downloads: counter('downloads_total', 'Downloads of blobs that ended, by outcome.', {
    outcome: ['complete', 'corrupt', 'full', 'abandoned', 'error'],
  }),
  downloadsActive: gauge('downloads_active', 'Blobs being downloaded.'),
  cacheBytes: gauge('cache_bytes', 'Bytes of the blobs in the cache.'),
  cacheQuota: gauge('cache_quota_bytes', 'Bytes that the cache may hold.'),
  cacheBlobs: gauge('cache_blobs', 'Blobs in the cache.'),
  evictions: counter('cache_evictions_total', 'Blobs evicted from the cache.'),
  evictedBytes: counter('cache_evicted_bytes_total', 'Bytes of the blobs evicted from the cache.'),
  purged: counter('cache_purged_total', 'Blobs dropped from the cache because somebody asked for it.'),
  purgedBytes: counter(
    'cache_purged_bytes_total',
    'Bytes of the blobs dropped from the cache because somebody asked for it.',
  ),
  cachePinned: gauge('cache_pinned_bytes', 'Bytes of the blobs in the cache that are pinned.'),
  folderFree: gauge('folder_free_bytes', "Free bytes in the file system of the cache's folder."),
  passThroughs: counter('pass_throughs_total', 'Requests served past the cache.'),
  seeding: gauge('seeding_blobs', 'Complete blobs served to peers.'),
  links: gauge('links', 'Connections to peers and origins.'),
  uploadsActive: gauge('piece_uploads_active', 'Pieces being sent to peers.'),
  uploadsWaiting: gauge('piece_uploads_waiting', 'Requests of peers for pieces that wait for their turn.'),
  announcesWaiting: gauge('announces_waiting', 'Swarms whose news no tracker has taken so far.'),
  trackerReachable: gauge('tracker_reachable', 'Whether a tracker answered the last request: 1 or 0.'),
  originsReachable: gauge('origins_reachable', 'Origins that answered when last asked, or were never asked.'),
  requests: counter('requests_total', 'HTTP requests answered.', { method: 'HTTP method', status: 'HTTP status' }),
  accessChecks: counter(
    'access_checks_total',
    'Questions to registries whether a client may read something, by outcome: `stale` was answered from memory, for want of an answer.',
    { outcome: ['granted', 'refused', 'stale', 'unavailable'] },
  ),
  tagsStale: counter('tags_stale_total', 'Tags answered from a record because no origin did.'),
  referrersStale: counter('referrers_stale_total', 'Lists of referrers answered from a record because no origin did.'),
  tagsRefused: counter('tags_refused_total', 'Tag records refused, by sender and reason.', {
    from: ['origin', 'peer'],
    reason: ['rollback', 'conflict', 'unverified'],
  }),
  direct: counter(
    'direct_fetches_total',
    'Blobs and manifests that this agent fetched from their own registry while no origin answered, by outcome.',
    { outcome: ['stored', 'failed'] },
  ),
  upstreamRequests: counter('upstream_requests_total', 'Requests to other registries that were answered.', {
    upstream: 'configured host, or `other`',
    method: 'HTTP method',
    kind: 'what was asked for',
    status: 'HTTP status',
  }),
  failures: counter('failures_total', 'Requests to others that failed, by kind.', {
    kind: ['origin', 'announce', 'lookup'],
  }),
});

export type AgentMetrics = Metrics<typeof agentMetrics.metrics>;
