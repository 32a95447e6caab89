import { type Dashboard, graph, number } from './grafana.ts';
import { onChosen, orZero, percentiles, processPanels, rate } from './queries.ts';

const here = onChosen();

export const tracker: Dashboard = {
  uid: 'shoal-tracker',
  title: 'Tracker',
  description: 'Who is in the cluster, and how trackers answer.',
  instancesOf: 'shoal_tracker_ready',
  rows: [
    {
      title: 'State',
      panels: [
        number({
          title: 'Peers',
          description: 'Agents and origins that live. Trackers over one Redis each tell the number of all.',
          unit: 'short',
          queries: [{ expr: `max(shoal_tracker_peers{${here}})` }],
        }),
        number({
          title: 'Swarms',
          description: 'Swarms with members.',
          unit: 'short',
          queries: [{ expr: `max(shoal_tracker_swarms{${here}})` }],
        }),
        number({
          title: 'Ready',
          description: 'Trackers that can do their work.',
          unit: 'short',
          threshold: { value: 1, bad: 'low' },
          queries: [{ expr: `sum(shoal_tracker_ready{${here}})` }],
        }),
        number({
          title: 'Without their store',
          description: 'Trackers that do not reach Redis.',
          unit: 'short',
          threshold: { value: 1, bad: 'high' },
          queries: [{ expr: orZero(`count(shoal_tracker_store_reachable{${here}} == 0)`) }],
        }),
        number({
          title: 'Refused memberships',
          description: 'Not kept because a limit was reached, in the time shown.',
          unit: 'short',
          threshold: { value: 1, bad: 'high' },
          queries: [{ expr: `sum(increase(shoal_tracker_memberships_refused_total{${here}}[$__range]))` }],
        }),
        number({
          title: 'Peers an announce',
          description: 'Peers handed out for each swarm that was joined, in the time shown.',
          unit: 'short',
          queries: [
            {
              expr: `sum(increase(shoal_tracker_peers_handed_out_total{${here}}[$__range])) / sum(increase(shoal_tracker_announces_total{${onChosen('event="join"')}}[$__range]))`,
            },
          ],
        }),
      ],
    },
    {
      title: 'Work',
      panels: [
        graph({
          title: 'Peers and swarms',
          description: 'Over time.',
          unit: 'short',
          queries: [
            { expr: `max(shoal_tracker_peers{${here}})`, legend: 'peers' },
            { expr: `max(shoal_tracker_swarms{${here}})`, legend: 'swarms' },
          ],
        }),
        graph({
          title: 'Announces',
          description: 'Swarms announced, by event. Many "starved" ones: agents find too few peers.',
          unit: 'ops',
          queries: [{ expr: rate('shoal_tracker_announces_total', ['event'], here), legend: '{{event}}' }],
        }),
        graph({
          title: 'Peers handed out',
          description: 'In answers to announces and lookups.',
          unit: 'ops',
          queries: [{ expr: rate('shoal_tracker_peers_handed_out_total', [], here), legend: 'peers' }],
        }),
        graph({
          title: 'Requests',
          description: 'By route and status.',
          unit: 'reqps',
          queries: [
            { expr: rate('shoal_tracker_requests_total', ['route', 'status'], here), legend: '{{route}} {{status}}' },
          ],
        }),
        graph({
          title: 'Time of requests',
          description: 'From the headers of a request to the end of its answer.',
          unit: 's',
          queries: percentiles('shoal_tracker_request_seconds', 'route', here),
        }),
        graph({
          title: 'At once',
          description: 'Requests being answered.',
          unit: 'short',
          queries: [{ expr: `sum(shoal_tracker_requests_active{${here}})`, legend: 'requests' }],
        }),
      ],
    },
    { title: 'Process', panels: processPanels('shoal_tracker_ready') },
  ],
};
