import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';
import { agentLayout, agentsMax, blocksFor, originLayout, trackerLayout, trackersMax } from './layout.ts';
import { freePortBase, isPortFree } from './ports.ts';

const options = { basePort: 7000, data: '/data' };

test('every process has its documented ports and a folder of its own', () => {
  assert.deepEqual(originLayout(options).ports, { http: 7000, pieces: 7001, admin: 7002, debug: 7003 });
  assert.equal(trackerLayout(0, options).ports.http, 7010);
  assert.deepEqual(
    [0, 1, 2].map((index) => agentLayout(index, options).ports.http),
    [7020, 7030, 7040],
  );
  assert.equal(agentLayout(1, options).configFile, '/data/agent-2/config.yaml');
});

test('no two processes of the largest cluster share a port or a folder', () => {
  const nodes = [
    originLayout(options),
    ...Array.from({ length: trackersMax }, (_, index) => trackerLayout(index, options)),
    ...Array.from({ length: agentsMax }, (_, index) => agentLayout(index, options)),
  ];
  const ports = nodes.flatMap((node) => Object.values(node.ports));
  assert.equal(new Set(ports).size, ports.length);
  assert.equal(new Set(nodes.map(({ folder }) => folder)).size, nodes.length);
  const last = 7000 + blocksFor(agentsMax, trackersMax) * 10;
  assert.ok(ports.every((port) => port < last));
});

test('a port that somebody listens on is not free', async () => {
  const base = await freePortBase(2);
  assert.equal(await isPortFree(base), true);
  const server = createServer().listen(base, '127.0.0.1');
  await once(server, 'listening');
  assert.equal(await isPortFree(base), false);
  server.close();
});
