import type { Cluster, ClusterNode } from '../cluster/cluster.ts';

/** What a person types next, once the cluster is ready. */
export const banner = ({ origin, trackers, agents }: Cluster, data: string): string => {
  const first = agents[0];
  const lines = [
    '',
    'Shoal is ready.',
    '',
    row(origin, `push to ${origin.registry}`),
    ...trackers.map((tracker) => row(tracker, tracker.url)),
    ...agents.map((agent) => row(agent, `pull from ${agent.registry}`)),
    '',
    'Push an image to the origin, then pull it through the agents:',
    `  docker tag IMAGE ${origin.registry}/team/app:1 && docker push ${origin.registry}/team/app:1`,
    ...agents.slice(0, 3).map((agent) => `  docker pull ${agent.registry}/team/app:1`),
  ];
  if (first) {
    lines.push(
      '',
      'See where its bytes came from:',
      `  curl -s ${first.metricsUrl} | grep received_bytes`,
      'Or without docker:',
      `  curl -s ${first.url}/v2/team/app/tags/list`,
    );
  }
  return [
    ...lines,
    '',
    `Data and logs are in ${data}. Ctrl-C stops everything;`,
    '`kill PID` stops one process, and the others go on.',
  ].join('\n');
};

const row = ({ layout, pid, metricsUrl }: ClusterNode, use: string): string =>
  `  ${layout.name.padEnd(10)} ${use.padEnd(28)} pid ${String(pid).padEnd(8)} metrics ${metricsUrl}`;
