import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { requireTool } from '../support/external.ts';
import { testCluster } from '../support/cluster.ts';
import { metricsOf } from '../tooling/metrics-doc.ts';

/** `# HELP` and `# TYPE` by name, and the names of the labels that any sample carries. */
const exposed = (text: string) => {
  const lines = text.split('\n');
  const told = (keyword: string) =>
    new Map(
      lines
        .filter((line) => line.startsWith(`# ${keyword} `))
        .map((line) => line.split(' '))
        .map(([, , name = '', ...rest]) => [name, rest.join(' ')]),
    );
  const labels = new Set(
    lines
      .filter((line) => !line.startsWith('#'))
      .flatMap((line) => [...line.matchAll(/[{,](\w+)="/g)].map(([, l]) => l)),
  );
  return { help: told('HELP'), type: told('TYPE'), labels };
};

test('a live process of each service exposes exactly the documented metrics', { timeout: 120_000 }, async (t) => {
  await using world = await testCluster({ agents: 1 });
  const { origin, trackers, agents } = world.cluster;
  for (const [service, node] of Object.entries({ origin, tracker: trackers[0]!, agent: agents[0]! })) {
    const text = await (await fetch(node.metricsUrl)).text();
    await t.test(service, () => {
      const { help, type, labels } = exposed(text);
      const documented = metricsOf[service] ?? [];
      assert.deepEqual(
        new Map([...help].map(([name, meaning]) => [name, { type: type.get(name), help: meaning }])),
        new Map(documented.map((metric) => [metric.name, { type: metric.type, help: metric.help }])),
      );
      const allowed = new Set(['le', ...documented.flatMap((metric) => Object.keys(metric.labels))]);
      assert.deepEqual(
        [...labels].filter((label) => !allowed.has(label ?? '')),
        [],
      );
    });
    await t.test(`promtool accepts those of the ${service}`, { skip: requireTool('promtool') }, () => {
      const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
      assert.equal(status, 0, stdout + stderr);
    });
  }
  assert.deepEqual(world.deaths, []);
});
