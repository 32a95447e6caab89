import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AbsentError, OriginBusyError, type OriginClient } from './origin-client.ts';
import { Origins } from './origins.ts';

const client = (url: string): OriginClient => ({ url }) as OriginClient;

const world = (...urls: string[]) => {
  const failed: string[] = [];
  const time = { nowMs: 0 };
  const origins = new Origins({
    clients: urls.map(client),
    clock: () => time.nowMs,
    events: { originFailed: (url) => void failed.push(url), originAnswered: () => {} },
  });
  const asked: string[] = [];
  const ask = (answers: Record<string, string | Error>) =>
    origins.ask(async ({ url }) => {
      asked.push(url);
      const answer = answers[url];
      if (typeof answer === 'string') return answer;
      throw answer ?? new Error('down');
    });
  return { origins, failed, time, asked, ask };
};

test('the next origin is asked when one fails, and the failed one comes last for a while', async () => {
  const { origins, failed, time, asked, ask } = world('a', 'b');
  assert.deepEqual(await ask({ b: 'yes' }), { kind: 'found', value: 'yes', origin: 'b' });
  assert.deepEqual(asked.splice(0), ['a', 'b']);
  assert.deepEqual(failed, ['a']);
  assert.equal(origins.reachable, 1);
  await ask({ a: 'yes', b: 'yes' });
  assert.deepEqual(asked.splice(0), ['b']);
  time.nowMs = 60_000;
  await ask({ a: 'yes', b: 'yes' });
  assert.deepEqual(asked, ['a']);
  assert.equal(origins.reachable, 2);
});

test('a 404 is final only when every other origin was asked', async () => {
  const { ask, origins } = world('a', 'b');
  assert.equal((await ask({ a: new AbsentError(), b: 'yes' })).kind, 'found');
  assert.deepEqual(await ask({ a: new AbsentError(), b: new AbsentError() }), { kind: 'absent' });
  assert.deepEqual(await ask({ a: new AbsentError(), b: new Error('down') }), { kind: 'absent', doubt: 'b: down' });
  assert.equal(origins.missing, 'b: down');
});

test('a busy origin is not distrusted; when no other delivers, the answer says when to come back', async () => {
  const { origins, failed, asked, ask } = world('a', 'b');
  const busy = new OriginBusyError('busy', 2000);
  assert.equal((await ask({ a: busy, b: 'yes' })).kind, 'found');
  assert.deepEqual(await ask({ a: busy, b: new OriginBusyError('busy', 1000) }), {
    kind: 'unreachable',
    reason: 'b: busy',
    retryAfterMs: 1000,
  });
  assert.deepEqual(asked, ['a', 'b', 'a', 'b']);
  assert.deepEqual([failed, origins.missing], [[], undefined]);
});

test('with every origin down the answer says why', async () => {
  const { ask } = world('a');
  assert.deepEqual(await ask({ a: new Error('connection refused') }), {
    kind: 'unreachable',
    reason: 'a: connection refused',
  });
});
