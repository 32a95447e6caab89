import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Live, liveLine, liveText } from './view.ts';

const swarm = (index: number) => ({
  digest: `sha256:${String(index).padStart(64, '0')}`,
  size: 1024,
  nodes: 3,
  complete: 1,
  down: 2048,
  up: 1024,
  progress: 0.5,
});
const node = (index: number) => ({
  id: `node${index}`,
  address: '127.0.0.1:7021',
  zone: '',
  role: 'agent',
  swarms: 2,
  downloads: 1,
  load: index === 0 ? null : { down: 1, up: 2, waiting: 0, busy: 0.25 },
});

const live = (swarms: number, nodes: number): Live => ({
  overview: {
    nowMs: 0,
    nodes,
    downloading: 1,
    swarmCount: swarms,
    down: 2048,
    up: 0,
    bytes: { peers: 3, origins: 1, http: 0 },
    swarms: Array.from({ length: swarms }, (_, index) => swarm(index)),
    partial: false,
  },
  nodes: Array.from({ length: nodes }, (_, index) => node(index)),
});

test('the picture fits a terminal of any height, says what it leaves out, and needs nobody', () => {
  for (const rows of [12, 24, 50])
    for (const [swarms, nodes] of [
      [0, 0],
      [1, 100],
      [100, 1],
      [100, 100],
    ] as const) {
      const lines = liveText(live(swarms, nodes), 'http://tracker', rows);
      assert.ok(lines.length <= rows, `${lines.length} lines of ${rows}, ${swarms} swarms, ${nodes} nodes`);
      const named = lines.filter((line) => line.includes('sha256:')).length;
      const left = lines.flatMap((line) => /^ {2}and (\d+) more$/.exec(line)?.[1] ?? []).map(Number);
      const shown = named + lines.filter((line) => line.startsWith('node')).length;
      assert.equal(shown + left.reduce((sum, more) => sum + more, 0), swarms + nodes);
    }
  assert.match(liveText(live(0, 0), 't').join('\n'), /no swarm has peers now[^]*no node is known/);
});

test('totals are said in one line', () => {
  assert.equal(
    liveLine(live(1, 2)),
    '1970-01-01T00:00:00.000Z 2 nodes, 1 downloading, 1 swarm; down 2.0 KiB/s, up 0 B/s; 75.0 % of 4 B from peers',
  );
});
