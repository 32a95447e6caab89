import { type Dashboard, graph, number } from './grafana.ts';
import { orZero, rate } from './queries.ts';

const received = 'shoal_agent_received_bytes_total';
const discarded = 'shoal_agent_discarded_bytes_total';

export const swarm: Dashboard = {
  uid: 'shoal-swarm',
  title: 'Swarm',
  description: 'How well the agents share what they have.',
  rows: [
    {
      title: 'Efficiency',
      panels: [
        number({
          title: 'Useful bytes',
          description: 'Of the bytes that arrived, those that were kept: the rest came late, twice, or unasked.',
          unit: 'percentunit',
          threshold: { value: 0.9, bad: 'low' },
          queries: [
            {
              expr: `sum(increase(${received}[$__range])) / (sum(increase(${received}[$__range])) + sum(increase(${discarded}[$__range])))`,
            },
          ],
        }),
        number({
          title: 'From peers',
          description: 'The share of the bytes that came from other agents.',
          unit: 'percentunit',
          queries: [
            { expr: `sum(increase(${received}{source="peer"}[$__range])) / sum(increase(${received}[$__range]))` },
          ],
        }),
        number({
          title: 'Share sent by origins',
          description:
            'Bytes that origins sent into swarms, for each byte of downloads: small where many nodes pull the same.',
          unit: 'percentunit',
          queries: [
            {
              expr: `sum(increase(shoal_origin_sent_bytes_total{to=~"swarm|http"}[$__range])) / sum(increase(${received}[$__range]))`,
            },
          ],
        }),
        number({
          title: 'Corrupt pieces',
          description: 'In the time shown.',
          unit: 'short',
          threshold: { value: 1, bad: 'high' },
          queries: [{ expr: 'sum(increase(shoal_agent_pieces_corrupt_total[$__range]))' }],
        }),
        number({
          title: 'Resumed',
          description: 'Bytes that a restart did not have to fetch again, in the time shown.',
          unit: 'bytes',
          queries: [{ expr: 'sum(increase(shoal_agent_resumed_bytes_total[$__range]))' }],
        }),
        number({
          title: 'Seeds',
          description: 'Complete blobs that agents serve to peers, counted once an agent.',
          unit: 'short',
          queries: [{ expr: 'sum(shoal_agent_seeding_blobs)' }],
        }),
      ],
    },
    {
      title: 'Bytes',
      panels: [
        graph({
          title: 'Share of peers',
          description: 'Over time. It starts low with a new image and rises as pieces spread.',
          unit: 'percentunit',
          queries: [{ expr: `${rate(received, [], 'source="peer"')} / ${rate(received, [])}`, legend: 'peers' }],
        }),
        graph({
          title: 'Discarded',
          description: 'Arrived and thrown away: late after a cancel, a second copy, or never asked for.',
          unit: 'Bps',
          queries: [{ expr: rate(discarded, []), legend: 'discarded' }],
        }),
        graph({
          title: 'Between zones',
          description: 'A few times the size of each blob for all agents of a zone together.',
          unit: 'Bps',
          queries: [{ expr: rate('shoal_agent_received_cross_zone_bytes_total', []), legend: 'from other zones' }],
        }),
      ],
    },
    {
      title: 'Pieces',
      panels: [
        graph({
          title: 'Uploads of agents',
          description: 'Pieces being sent, and requests that wait for their turn.',
          unit: 'short',
          queries: [
            { expr: 'sum(shoal_agent_piece_uploads_active)', legend: 'active' },
            { expr: 'sum(shoal_agent_piece_uploads_waiting)', legend: 'waiting' },
          ],
        }),
        graph({
          title: 'Refused requests',
          description: 'Requests of peers for pieces that were refused. They ask elsewhere.',
          unit: 'reqps',
          queries: [{ expr: rate('shoal_agent_piece_requests_refused_total', ['reason']), legend: '{{reason}}' }],
        }),
        graph({
          title: 'Connections',
          description: 'Of an agent, to peers and origins: the mean and the most.',
          unit: 'short',
          queries: [
            { expr: 'avg(shoal_agent_links)', legend: 'mean' },
            { expr: 'max(shoal_agent_links)', legend: 'most' },
          ],
        }),
      ],
    },
    {
      title: 'Downloads',
      panels: [
        graph({
          title: 'Ended',
          description: 'By outcome.',
          unit: 'ops',
          queries: [{ expr: rate('shoal_agent_downloads_total', ['outcome']), legend: '{{outcome}}' }],
        }),
        graph({
          title: 'Announced',
          description: 'Swarms announced to trackers; many "starved" ones mean that agents find too few peers.',
          unit: 'ops',
          queries: [{ expr: rate('shoal_tracker_announces_total', ['event']), legend: '{{event}}' }],
        }),
        graph({
          title: 'Failed questions',
          description: 'Of agents, to origins and trackers.',
          unit: 'ops',
          queries: [{ expr: orZero(rate('shoal_agent_failures_total', ['kind'])), legend: '{{kind}}' }],
        }),
      ],
    },
  ],
};
