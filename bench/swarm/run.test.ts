import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import path from 'node:path';
import { test } from 'node:test';

const run = async (...args: string[]) => {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'main.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { status: status as number, stdout, stderr };
};

test('four real agents in two processes get a blob, one of them is killed, and every figure is there', async () => {
  const { status, stdout, stderr } = await run(
    ...['--agents', '4', '--size', '1MiB', '--rate', '1MiB', '--kill', '1', '--json'],
  );
  assert.equal(status, 0, stderr);
  const report = JSON.parse(stdout) as Record<string, number>;
  assert.deepEqual(
    ['agents', 'pieces', 'completed', 'digestsRight', 'killed', 'corruptPieces'].map((key) => report[key]),
    [4, 4, 3, 3, 1, 0],
  );
  for (const key of ['boundS', 'makespanS', 'p50S', 'p999S', 'firstByteP50S', 'makespanRatio', 'originCopies'])
    assert.ok((report[key] ?? 0) > 0, key);
  for (const key of ['agentCpuSPerGB', 'rssMiBPerAgent', 'messagesPerNode', 'trackerAnnounces', 'trackerCpuS'])
    assert.ok((report[key] ?? 0) > 0, key);
  assert.match(stderr, /4 clients pull at once/);
});

test('bad input is named and ends with 2', async () => {
  const { status, stderr } = await run('--agents', 'x');
  assert.equal(status, 2);
  assert.match(stderr, /--agents: "x" is not allowed[\s\S]*usage: /);
});
