import { upstreamFailures } from '@shoal/registry';
import { counter, defineMetrics, gauge, histogram, type Metrics, secondsBuckets } from '@shoal/service';

const upstream = 'configured host, or `other`';

/** What an origin counts; docs/METRICS.md is made of it. */
export const originMetrics = defineMetrics('origin', {
  sent: counter(
    'sent_bytes_total',
    'Bytes of content sent, by receiver: peers over the piece protocol, agents over HTTP, or clients of the registry.',
    { to: ['swarm', 'http', 'client'] },
  ),
  received: counter('received_bytes_total', 'Bytes of content received in pushes.'),
  fetched: counter(
    'fetched_bytes_total',
    'Bytes of blobs that the origin did not have, as they arrive from where it fetches them.',
  ),
  fetches: counter('fetches_total', 'Blobs fetched, by outcome.', { outcome: ['stored', 'failed'] }),
  fetchesActive: gauge('fetches_active', 'Blobs being fetched.'),
  requests: counter('requests_total', 'HTTP requests answered.', {
    api: ['registry', 'control'],
    method: 'HTTP method',
    status: 'HTTP status',
  }),
  requestSeconds: histogram(
    'request_seconds',
    'From the headers of a request to the end of its answer, with the body.',
    secondsBuckets,
    { api: ['registry', 'control'] },
  ),
  pushes: counter('manifests_pushed_total', 'Manifests accepted.'),
  blobs: gauge('blobs', 'Blobs and manifests in the store.'),
  gcRuns: counter('gc_runs_total', 'Garbage collections that ended, dry ones excepted, by outcome.', {
    outcome: ['done', 'failed'],
  }),
  gcRemoved: counter('gc_removed_total', 'What garbage collections took out of repositories.', {
    kind: ['blob', 'manifest'],
  }),
  gcFreedBytes: counter('gc_freed_bytes_total', 'Bytes of content that garbage collections deleted.'),
  gcSkipped: gauge('gc_repositories_skipped', 'Repositories that the last garbage collection left as they are.'),
  gcEnded: gauge('gc_ended_timestamp_seconds', 'When the last garbage collection ended, since the epoch.'),
  corrupt: counter('blobs_corrupt_total', 'Stored blobs that no longer matched their digest and were removed.'),
  bodiesFailed: counter('bodies_failed_total', 'Bodies that ended short because their source or the client stalled.'),
  uploadsActive: gauge('uploads_active', 'Request bodies being received.'),
  uploadsOpen: gauge('uploads_open', 'Uploads that are not finished.'),
  folderFree: gauge('folder_free_bytes', "Free bytes in the file system of the origin's folder."),
  folderSize: gauge('folder_size_bytes', "Size of the file system of the origin's folder."),
  seeding: gauge('seeding_blobs', 'Blobs open for peers.'),
  links: gauge('links', 'Connections to peers.'),
  pieceUploadsActive: gauge('piece_uploads_active', 'Pieces being sent to peers.'),
  pieceUploadsWaiting: gauge('piece_uploads_waiting', 'Requests of peers for pieces that wait for their turn.'),
  piecesRefused: counter('piece_requests_refused_total', 'Requests of peers for pieces that were refused, by reason.', {
    reason: ['gone', 'overloaded', 'notHeld'],
  }),
  upstreamRequests: counter('upstream_requests_total', 'Requests to upstream registries that were answered.', {
    upstream,
    method: 'HTTP method',
    kind: 'what was asked for',
    status: 'HTTP status',
  }),
  upstreamReceived: counter(
    'upstream_received_bytes_total',
    'Bytes of manifests and blobs received from upstream registries.',
    { upstream },
  ),
  upstreamFailures: counter(
    'upstream_failures_total',
    'Questions that an upstream registry did not answer as wanted, by reason.',
    { upstream, reason: upstreamFailures },
  ),
  upstreamStale: counter(
    'upstream_stale_total',
    'Tags and lists of referrers answered from what is known because the upstream registry did not answer.',
    { upstream },
  ),
  upstreamLimit: gauge(
    'upstream_ratelimit_limit',
    'Requests that the upstream registry allows in its window, as it said last.',
    { upstream },
  ),
  upstreamRemaining: gauge(
    'upstream_ratelimit_remaining',
    'Requests that the upstream registry still allows, as it said last.',
    { upstream },
  ),
  pulledBytes: gauge('pulled_bytes', 'Bytes of the blobs kept that were pulled through from other registries.'),
  pulledEvictions: counter('pulled_evictions_total', 'Blobs of other registries evicted to make room.'),
  pulledEvictedBytes: counter(
    'pulled_evicted_bytes_total',
    'Bytes of the blobs of other registries that were evicted.',
  ),
  ringOriginsUp: gauge('ring_origins_up', 'Other origins that share the work and answer.'),
  ringQuestions: counter(
    'ring_questions_total',
    'Questions about content of other registries: answered by the origin whose part it is, or this one is it.',
    { by: ['fellow', 'alone'] },
  ),
});

export type OriginMetrics = Metrics<typeof originMetrics.metrics>;
