import { type Dashboard, graph, number } from './grafana.ts';
import { orZero, percentiles, rate } from './queries.ts';

const received = 'shoal_agent_received_bytes_total';

export const overview: Dashboard = {
  uid: 'shoal-overview',
  title: 'Overview',
  description: 'Whether all is well, and how much of what the nodes pull they give each other.',
  rows: [
    {
      title: 'At a glance',
      panels: [
        number({
          title: 'From peers',
          description: 'The share of all bytes that agents got from other agents: what Shoal is for.',
          unit: 'percentunit',
          queries: [
            { expr: `sum(increase(${received}{source="peer"}[$__range])) / sum(increase(${received}[$__range]))` },
          ],
        }),
        number({
          title: 'Bytes from peers',
          description: 'In the time shown.',
          unit: 'bytes',
          queries: [{ expr: `sum(increase(${received}{source="peer"}[$__range]))` }],
        }),
        number({
          title: 'Bytes from origins',
          description: 'In the time shown, by pieces and by HTTP.',
          unit: 'bytes',
          queries: [{ expr: `sum(increase(${received}{source!="peer"}[$__range]))` }],
        }),
        number({
          title: 'Bytes from other registries',
          description: 'In the time shown, by the origin.',
          unit: 'bytes',
          queries: [{ expr: orZero('sum(increase(shoal_origin_upstream_received_bytes_total[$__range]))') }],
        }),
        number({
          title: 'Agents ready',
          description: 'Agents that can do their work.',
          unit: 'short',
          queries: [{ expr: 'sum(shoal_agent_ready)' }],
        }),
        number({
          title: 'Alerts',
          description: 'Alerts that fire. docs/OPERATING.md says what to do about each.',
          unit: 'short',
          threshold: { value: 1, bad: 'high' },
          queries: [{ expr: orZero('count(ALERTS{alertname=~"Shoal.*",alertstate="firing"})') }],
        }),
      ],
    },
    {
      title: 'Where bytes come from',
      panels: [
        graph({
          title: 'Received by agents',
          description: 'From other agents, from an origin in the swarm, from an origin by HTTP.',
          unit: 'Bps',
          stacked: true,
          queries: [{ expr: rate(received, ['source']), legend: '{{source}}' }],
        }),
        graph({
          title: 'Sent by origins',
          description:
            'To the swarm, to agents by HTTP, to clients of the registry. A copy or two of each new blob is enough.',
          unit: 'Bps',
          stacked: true,
          queries: [{ expr: rate('shoal_origin_sent_bytes_total', ['to']), legend: '{{to}}' }],
        }),
        graph({
          title: 'Received from other registries',
          description: 'By the origin, each blob once.',
          unit: 'Bps',
          stacked: true,
          queries: [
            {
              expr: orZero(rate('shoal_origin_upstream_received_bytes_total', ['upstream'])),
              legend: '{{upstream}}',
            },
          ],
        }),
      ],
    },
    {
      title: 'What pulls wait for',
      panels: [
        graph({
          title: 'First byte',
          description: 'From a request for a blob to its first byte, by the size of the blob.',
          unit: 's',
          queries: percentiles('shoal_agent_first_byte_seconds', 'size'),
        }),
        graph({
          title: 'Whole blob',
          description: 'From the start of a download to the complete blob, by its size.',
          unit: 's',
          queries: percentiles('shoal_agent_blob_seconds', 'size'),
        }),
        graph({
          title: 'Downloads',
          description: 'Blobs being downloaded, over all agents.',
          unit: 'short',
          queries: [{ expr: 'sum(shoal_agent_downloads_active)', legend: 'active' }],
        }),
      ],
    },
    {
      title: 'What goes wrong',
      panels: [
        graph({
          title: 'Answers with an error',
          description: '5xx of agents and origins. A runtime falls back to the registry itself where it can.',
          unit: 'reqps',
          queries: [
            {
              expr: orZero(rate('shoal_agent_requests_total', ['status'], 'status=~"5.."')),
              legend: 'agent {{status}}',
            },
            {
              expr: orZero(rate('shoal_origin_requests_total', ['status'], 'status=~"5.."')),
              legend: 'origin {{status}}',
            },
          ],
        }),
        graph({
          title: 'Corrupt pieces',
          description: 'Thrown away and fetched again. Above zero somebody has a bad disk, memory or intention.',
          unit: 'ops',
          queries: [{ expr: rate('shoal_agent_pieces_corrupt_total', []), legend: 'pieces' }],
        }),
        graph({
          title: 'Event-loop delay',
          description: 'The slowest process of each service, 99th percentile.',
          unit: 's',
          queries: [
            {
              expr: 'max by (service) (nodejs_eventloop_lag_p99_seconds * on (job, instance) group_left (service) shoal_build_info)',
              legend: '{{service}}',
            },
          ],
        }),
      ],
    },
  ],
};
