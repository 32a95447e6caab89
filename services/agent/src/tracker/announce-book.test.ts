import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSwarmId, seededPrng, type SwarmId } from '@shoal/core';
import fc from 'fast-check';
import { AnnounceBook, type BookedSwarm } from './announce-book.ts';

const id = (index: number): SwarmId => parseSwarmId(index.toString(16).padStart(64, '0'));
const swarm = (index: number): BookedSwarm => ({
  swarm: id(index),
  status: () => ({ have: 1, pieces: 4, degree: 0, want: 10 }),
});
const bookOf = (limits: Partial<ConstructorParameters<typeof AnnounceBook>[0]['limits']> = {}) =>
  new AnnounceBook({ limits: { seedsMax: 3, batchMax: 10, againSpreadMs: 1000, ...limits }, prng: seededPrng(1) });

const drain = (book: AnnounceBook, fromMs: number): { atMs: number; lines: string[] }[] => {
  const batches: { atMs: number; lines: string[] }[] = [];
  for (let nowMs = fromMs; ;) {
    const waitMs = book.nextTimeoutMs(nowMs);
    if (waitMs === undefined) return batches;
    nowMs += waitMs;
    batches.push({ atMs: nowMs, lines: book.take(nowMs).map((line) => `${line.event} ${Number(`0x${line.swarm}`)}`) });
  }
};

test('the joins of one image leave in one request, at once', () => {
  const book = bookOf();
  for (let layer = 0; layer < 5; layer++) book.enter(swarm(layer), 'join', 0);
  const [batch, ...more] = drain(book, 0);
  assert.equal(batch?.lines.length, 5);
  assert.ok((batch?.atMs ?? 99) <= 5);
  assert.deepEqual(more, []);
});

test('a later event absorbs an earlier one of the same swarm, and coming back beats leaving', () => {
  const book = bookOf();
  book.enter(swarm(1), 'join', 0);
  book.enter(swarm(1), 'complete', 1);
  book.tell(id(1), 'progress', 2);
  book.enter(swarm(2), 'complete', 0);
  book.leave(id(2), 1);
  book.enter(swarm(2), 'join', 2);
  assert.deepEqual(
    drain(book, 3)
      .flatMap(({ lines }) => lines)
      .toSorted(),
    ['complete 1', 'join 2'],
  );
});

test('only the most recently used seeds are advertised, and using one brings it back', () => {
  const book = bookOf({ seedsMax: 2 });
  for (let index = 1; index <= 3; index++) book.enter(swarm(index), 'complete', 0);
  assert.deepEqual(
    drain(book, 0)
      .flatMap(({ lines }) => lines)
      .toSorted(),
    ['complete 2', 'complete 3', 'leave 1'],
  );
  book.touch(id(1), 1000);
  assert.deepEqual(
    drain(book, 1000)
      .flatMap(({ lines }) => lines)
      .toSorted(),
    ['complete 1', 'leave 2'],
  );
  assert.equal(book.announcedCount, 2);
});

test('announce all again: downloads first, then seeds from the most recently used, spread out in batches', () => {
  const book = bookOf({ seedsMax: 25, batchMax: 10 });
  for (let index = 1; index <= 25; index++) book.enter(swarm(index), 'complete', 0);
  book.enter(swarm(99), 'join', 0);
  drain(book, 0);
  book.announceAll(10_000);
  const batches = drain(book, 10_000);
  const lines = batches.flatMap((batch) => batch.lines);
  assert.equal(lines.length, 26);
  assert.equal(lines[0], 'join 99');
  assert.ok(lines.indexOf('complete 25') < lines.indexOf('complete 5'), 'recently used first');
  assert.ok((batches.at(-1)?.atMs ?? 0) > 10_200, 'spread over time');
  for (const batch of batches) assert.ok(batch.lines.length <= 10);
});

test('a batch that reached nobody is sent again, without what is obsolete', () => {
  const book = bookOf();
  book.enter(swarm(1), 'join', 0);
  book.enter(swarm(2), 'join', 0);
  const batch = book.take(5);
  assert.equal(batch.length, 2);
  book.leave(id(2), 6);
  book.putBack(batch, 500);
  assert.deepEqual(
    drain(book, 6)
      .flatMap(({ lines }) => lines)
      .toSorted(),
    ['join 1', 'leave 2'],
  );
});

test('whatever happens, what is pending stays bounded and at most one event a swarm leaves in a batch', () => {
  const step = fc.record({
    op: fc.constantFrom('join', 'complete', 'leave', 'touch', 'starved', 'again', 'fail'),
    index: fc.nat({ max: 30 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const book = bookOf({ seedsMax: 5 });
      let nowMs = 0;
      for (const { op, index } of steps) {
        nowMs += 10;
        if (op === 'join' || op === 'complete') book.enter(swarm(index), op, nowMs);
        else if (op === 'leave') book.leave(id(index), nowMs);
        else if (op === 'touch') book.touch(id(index), nowMs);
        else if (op === 'starved') book.tell(id(index), 'starved', nowMs);
        else if (op === 'again') book.announceAll(nowMs);
        else book.putBack(book.take(nowMs), nowMs + 100);
      }
      const bound = book.announcedCount + 5 + 31;
      let left = 0;
      for (const waitMs = () => book.nextTimeoutMs(nowMs); waitMs() !== undefined;) {
        nowMs += waitMs() ?? 0;
        const batch = book.take(nowMs);
        assert.ok(batch.length > 0 && batch.length <= 10);
        assert.equal(new Set(batch.map((line) => line.swarm)).size, batch.length);
        left += batch.length;
      }
      assert.ok(left <= bound);
    }),
  );
});
