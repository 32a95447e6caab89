import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { fullSize } from '../support/cluster.ts';
import { Background } from '../support/run.ts';

const script = path.join(import.meta.dirname, '../../deploy/local/src/demo.ts');
// A small image is over before the swarm has formed, so the smaller run only has to beat a plain registry clearly.
const [agents, size, copiesMax] = fullSize ? [8, '256MiB', 1.5] : [4, '48MiB', 3];

test('the demo pulls an image through all agents and the origin sends few copies', async () => {
  await using demo = new Background(process.execPath, [
    script,
    '--agents',
    String(agents),
    '--size',
    size,
    '--layers',
    '3',
  ]);
  assert.equal(await demo.exited, 0, demo.text);
  assert.equal(demo.lines.filter((line) => /^agent-\d+ .* MiB/.test(line)).length, agents, demo.text);
  const copies = demo.lines.filter((line) => /^origin copies: \d+\.\d\d$/.test(line));
  assert.equal(copies.length, 1, demo.text);
  assert.ok(Number(copies[0]?.slice('origin copies: '.length)) <= copiesMax, demo.text);
  assert.match(demo.text, /All digests are right\./);
});

test('the demo refuses a size that is none', async () => {
  await using demo = new Background(process.execPath, [script, '--size', 'big']);
  assert.equal(await demo.exited, 1);
  assert.match(demo.text, /"big" is not allowed/);
});
