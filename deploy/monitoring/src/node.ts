import { type Dashboard, graph, number } from './grafana.ts';
import { onChosen, orZero, percentiles, processPanels, rate } from './queries.ts';

const here = onChosen();

export const node: Dashboard = {
  uid: 'shoal-node',
  title: 'Node',
  description: 'One agent, or several: its cache, what it pulls and what it gives.',
  instancesOf: 'shoal_agent_ready',
  rows: [
    {
      title: 'State',
      panels: [
        number({
          title: 'Ready',
          description: 'Agents that can do their work, of those chosen.',
          unit: 'short',
          queries: [{ expr: `sum(shoal_agent_ready{${here}})` }],
        }),
        number({
          title: 'Without a tracker',
          description: 'Agents that no tracker answered last.',
          unit: 'short',
          threshold: { value: 1, bad: 'high' },
          queries: [{ expr: orZero(`count(shoal_agent_tracker_reachable{${here}} == 0)`) }],
        }),
        number({
          title: 'Without an origin',
          description: 'Agents that no origin answered last.',
          unit: 'short',
          threshold: { value: 1, bad: 'high' },
          queries: [{ expr: orZero(`count(shoal_agent_origins_reachable{${here}} == 0)`) }],
        }),
        number({
          title: 'Cache in use',
          description: 'Of the quota; the fullest of those chosen.',
          unit: 'percentunit',
          queries: [{ expr: `max(shoal_agent_cache_bytes{${here}} / (shoal_agent_cache_quota_bytes{${here}} > 0))` }],
        }),
        number({
          title: 'Hits',
          description: 'Reads that found the whole blob in the cache, in the time shown.',
          unit: 'percentunit',
          queries: [
            {
              expr: `sum(increase(shoal_agent_blob_reads_total{${onChosen('from="cache"')}}[$__range])) / sum(increase(shoal_agent_blob_reads_total{${here}}[$__range]))`,
            },
          ],
        }),
        number({
          title: 'Disk free',
          description: 'In the file system of the cache; the least of those chosen.',
          unit: 'bytes',
          threshold: { value: 1e9, bad: 'low' },
          queries: [{ expr: `min(shoal_agent_folder_free_bytes{${here}})` }],
        }),
      ],
    },
    {
      title: 'Pulls',
      panels: [
        graph({
          title: 'Received',
          description: 'From other agents, from an origin in the swarm, from an origin by HTTP.',
          unit: 'Bps',
          stacked: true,
          queries: [{ expr: rate('shoal_agent_received_bytes_total', ['source'], here), legend: '{{source}}' }],
        }),
        graph({
          title: 'Sent',
          description: 'To other agents, and to the clients of the node.',
          unit: 'Bps',
          queries: [{ expr: rate('shoal_agent_served_bytes_total', ['to'], here), legend: '{{to}}' }],
        }),
        graph({
          title: 'First byte',
          description: 'From a request for a blob to its first byte, by the size of the blob.',
          unit: 's',
          queries: percentiles('shoal_agent_first_byte_seconds', 'size', here),
        }),
        graph({
          title: 'Requests',
          description: 'Of the clients of the node, by status.',
          unit: 'reqps',
          queries: [{ expr: rate('shoal_agent_requests_total', ['status'], here), legend: '{{status}}' }],
        }),
        graph({
          title: 'Reads',
          description: 'Where a blob was when a client began to read it.',
          unit: 'ops',
          queries: [{ expr: rate('shoal_agent_blob_reads_total', ['from'], here), legend: '{{from}}' }],
        }),
        graph({
          title: 'At work',
          description: 'Downloads, pieces being sent, requests of peers that wait, swarms not told to a tracker.',
          unit: 'short',
          queries: [
            { expr: `sum(shoal_agent_downloads_active{${here}})`, legend: 'downloads' },
            { expr: `sum(shoal_agent_piece_uploads_active{${here}})`, legend: 'pieces sent' },
            { expr: `sum(shoal_agent_piece_uploads_waiting{${here}})`, legend: 'pieces waiting' },
            { expr: `sum(shoal_agent_announces_waiting{${here}})`, legend: 'announces waiting' },
          ],
        }),
      ],
    },
    {
      title: 'Cache',
      panels: [
        graph({
          title: 'Size',
          description: 'Of the blobs in the cache, and what it may hold.',
          unit: 'bytes',
          queries: [
            { expr: `sum(shoal_agent_cache_bytes{${here}})`, legend: 'used' },
            { expr: `sum(shoal_agent_cache_quota_bytes{${here}})`, legend: 'quota' },
          ],
        }),
        graph({
          title: 'Evicted',
          description: 'Many evictions while images are rolled out: the quota is too small.',
          unit: 'Bps',
          queries: [{ expr: rate('shoal_agent_cache_evicted_bytes_total', [], here), legend: 'evicted' }],
        }),
        graph({
          title: 'Blobs',
          description: 'In the cache; the complete ones are served to peers.',
          unit: 'short',
          queries: [
            { expr: `sum(shoal_agent_cache_blobs{${here}})`, legend: 'blobs' },
            { expr: `sum(shoal_agent_seeding_blobs{${here}})`, legend: 'served' },
            { expr: `sum(increase(shoal_agent_cache_evictions_total{${here}}[$__rate_interval]))`, legend: 'evicted' },
          ],
        }),
        graph({
          title: 'Out of the ordinary',
          description: 'Requests past the cache, tags without an origin, corrupt pieces.',
          unit: 'ops',
          queries: [
            { expr: rate('shoal_agent_pass_throughs_total', [], here), legend: 'past the cache' },
            { expr: rate('shoal_agent_tags_stale_total', [], here), legend: 'stale tags' },
            { expr: rate('shoal_agent_tags_refused_total', [], here), legend: 'refused tags' },
            { expr: rate('shoal_agent_pieces_corrupt_total', [], here), legend: 'corrupt pieces' },
          ],
        }),
      ],
    },
    { title: 'Process', panels: processPanels('shoal_agent_ready') },
  ],
};
