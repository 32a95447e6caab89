import { type Dashboard, graph, number } from './grafana.ts';
import { onChosen, orZero, percentiles, processPanels, rate } from './queries.ts';

const here = onChosen();

export const origin: Dashboard = {
  uid: 'shoal-origin',
  title: 'Origin',
  description: 'What origins hold, send and fetch.',
  instancesOf: 'shoal_origin_ready',
  rows: [
    {
      title: 'State',
      panels: [
        number({
          title: 'Ready',
          description: 'Origins that can do their work.',
          unit: 'short',
          threshold: { value: 1, bad: 'low' },
          queries: [{ expr: `sum(shoal_origin_ready{${here}})` }],
        }),
        number({
          title: 'Blobs',
          description: 'Blobs and manifests in the store.',
          unit: 'short',
          queries: [{ expr: `sum(shoal_origin_blobs{${here}})` }],
        }),
        number({
          title: 'Disk free',
          description: "Of the file system of the origin's folder. An origin evicts nothing.",
          unit: 'percentunit',
          threshold: { value: 0.1, bad: 'low' },
          queries: [
            { expr: `min(shoal_origin_folder_free_bytes{${here}} / (shoal_origin_folder_size_bytes{${here}} > 0))` },
          ],
        }),
        number({
          title: 'Corrupt blobs',
          description: 'Removed because they no longer matched their digest, in the time shown.',
          unit: 'short',
          threshold: { value: 1, bad: 'high' },
          queries: [{ expr: `sum(increase(shoal_origin_blobs_corrupt_total{${here}}[$__range]))` }],
        }),
        number({
          title: 'Seeding',
          description: 'Blobs open for peers.',
          unit: 'short',
          queries: [{ expr: `sum(shoal_origin_seeding_blobs{${here}})` }],
        }),
        number({
          title: 'Pushed',
          description: 'Manifests accepted in the time shown.',
          unit: 'short',
          queries: [{ expr: `sum(increase(shoal_origin_manifests_pushed_total{${here}}[$__range]))` }],
        }),
      ],
    },
    {
      title: 'Bytes and requests',
      panels: [
        graph({
          title: 'Sent',
          description: 'To the swarm, to agents by HTTP, to clients of the registry.',
          unit: 'Bps',
          stacked: true,
          queries: [{ expr: rate('shoal_origin_sent_bytes_total', ['to'], here), legend: '{{to}}' }],
        }),
        graph({
          title: 'Received',
          description: 'In pushes, and fetched from where blobs come from that the origin does not have.',
          unit: 'Bps',
          queries: [
            { expr: rate('shoal_origin_received_bytes_total', [], here), legend: 'pushed' },
            { expr: rate('shoal_origin_fetched_bytes_total', [], here), legend: 'fetched' },
          ],
        }),
        graph({
          title: 'Uploads and seeds at work',
          description: 'Request bodies being received, pieces being sent, requests of peers that wait.',
          unit: 'short',
          queries: [
            { expr: `sum(shoal_origin_uploads_active{${here}})`, legend: 'bodies' },
            { expr: `sum(shoal_origin_uploads_open{${here}})`, legend: 'open uploads' },
            { expr: `sum(shoal_origin_piece_uploads_active{${here}})`, legend: 'pieces sent' },
            { expr: `sum(shoal_origin_piece_uploads_waiting{${here}})`, legend: 'pieces waiting' },
            { expr: `sum(shoal_origin_links{${here}})`, legend: 'connections' },
          ],
        }),
        graph({
          title: 'Requests',
          description: 'By API and status.',
          unit: 'reqps',
          queries: [
            { expr: rate('shoal_origin_requests_total', ['api', 'status'], here), legend: '{{api}} {{status}}' },
          ],
        }),
        graph({
          title: 'Time of requests',
          description: 'From the headers of a request to the end of its answer, with the body.',
          unit: 's',
          queries: percentiles('shoal_origin_request_seconds', 'api', here),
        }),
        graph({
          title: 'Errors',
          description: 'Answers with 5xx, bodies that ended short, refused requests for pieces.',
          unit: 'ops',
          queries: [
            {
              expr: orZero(rate('shoal_origin_requests_total', ['status'], onChosen('status=~"5.."'))),
              legend: '{{status}}',
            },
            { expr: rate('shoal_origin_bodies_failed_total', [], here), legend: 'short bodies' },
            { expr: rate('shoal_origin_piece_requests_refused_total', [], here), legend: 'refused pieces' },
          ],
        }),
      ],
    },
    {
      title: 'Other registries',
      panels: [
        graph({
          title: 'Requests',
          description: 'To each registry, by status. As many GET of blobs as there are new blobs.',
          unit: 'reqps',
          queries: [
            {
              expr: orZero(rate('shoal_origin_upstream_requests_total', ['upstream', 'status'], here)),
              legend: '{{upstream}} {{status}}',
            },
          ],
        }),
        graph({
          title: 'Received',
          description: 'From each registry.',
          unit: 'Bps',
          queries: [
            {
              expr: orZero(rate('shoal_origin_upstream_received_bytes_total', ['upstream'], here)),
              legend: '{{upstream}}',
            },
          ],
        }),
        graph({
          title: 'Rate limits',
          description:
            'Requests that each registry still allows, and how many in its window. Empty where none is told.',
          unit: 'short',
          queries: [
            { expr: orZero(`shoal_origin_upstream_ratelimit_remaining{${here}}`), legend: '{{upstream}} left' },
            { expr: orZero(`shoal_origin_upstream_ratelimit_limit{${here}}`), legend: '{{upstream}} allowed' },
          ],
        }),
        graph({
          title: 'Failures',
          description: 'Questions that a registry did not answer as wanted, by reason.',
          unit: 'ops',
          queries: [
            {
              expr: orZero(rate('shoal_origin_upstream_failures_total', ['upstream', 'reason'], here)),
              legend: '{{upstream}} {{reason}}',
            },
          ],
        }),
        graph({
          title: 'Stale tags',
          description: 'Answered as last known because their registry did not answer.',
          unit: 'ops',
          queries: [
            { expr: orZero(rate('shoal_origin_upstream_stale_total', ['upstream'], here)), legend: '{{upstream}}' },
          ],
        }),
        graph({
          title: 'Fetches',
          description: 'Blobs being fetched, and those that ended, a second.',
          unit: 'short',
          queries: [
            { expr: `sum(shoal_origin_fetches_active{${here}})`, legend: 'active' },
            { expr: rate('shoal_origin_fetches_total', ['outcome'], here), legend: '{{outcome}} a second' },
          ],
        }),
      ],
    },
    { title: 'Process', panels: processPanels('shoal_origin_ready') },
  ],
};
