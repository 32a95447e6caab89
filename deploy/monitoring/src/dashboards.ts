/** `npm run docs`: writes the dashboards for Grafana from their definitions. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Dashboard, toGrafana } from './grafana.ts';
import { node } from './node.ts';
import { origin } from './origin.ts';
import { overview } from './overview.ts';
import { swarm } from './swarm.ts';
import { tracker } from './tracker.ts';

export const dashboardsFolder = path.join(import.meta.dirname, '../dashboards');

export const dashboards: readonly Dashboard[] = [overview, swarm, node, origin, tracker];

/** By the name of the file. */
export const dashboardFiles = (): ReadonlyMap<string, string> =>
  new Map(
    dashboards.map((dashboard) => [`${dashboard.uid}.json`, `${JSON.stringify(toGrafana(dashboard), undefined, 2)}\n`]),
  );

if (import.meta.main) {
  mkdirSync(dashboardsFolder, { recursive: true });
  for (const [name, text] of dashboardFiles()) writeFileSync(path.join(dashboardsFolder, name), text);
}
