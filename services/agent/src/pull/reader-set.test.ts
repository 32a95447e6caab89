import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bitfield } from '@shoal/core';
import { ReaderSet } from './reader-set.ts';

const never = new AbortController().signal;
const setOf = (withheld?: number) => {
  const have = new Bitfield(4);
  let changes = 0;
  const readers = new ReaderSet({ have, withheld, changed: () => changes++ });
  return { have, readers, changes: () => changes };
};

test('a reader wakes with its own piece, and the cursors are those who wait', async () => {
  const { have, readers, changes } = setOf();
  const [first, third] = [readers.wait(0, false, never), readers.wait(2, true, never)];
  assert.deepEqual(readers.cursors(), [0, 2]);
  assert.equal(changes(), 2);
  have.set(2);
  readers.wake();
  await third;
  assert.deepEqual(readers.cursors(), [0]);
  have.set(0);
  readers.wake();
  await first;
  await readers.wait(0, false, never);
});

test('a reader that gives up leaves no cursor behind', async () => {
  const { readers } = setOf();
  const leaving = new AbortController();
  const wait = readers.wait(1, false, leaving.signal);
  leaving.abort(new Error('the client left'));
  await assert.rejects(wait, /the client left/);
  assert.deepEqual(readers.cursors(), []);
});

test('a reader that has read and leaves tells that its cursor is gone', async () => {
  const { have, readers, changes } = setOf();
  readers.enter();
  const wait = readers.wait(1, false, never);
  have.set(1);
  readers.wake();
  await wait;
  assert.equal(changes(), 1);
  readers.left();
  assert.equal(changes(), 2);
  assert.deepEqual(readers.cursors(), []);
  assert.equal(readers.size, 0);
});

test('bad news can be kept from replies that have begun', async () => {
  const { have, readers } = setOf();
  const [fresh, begun] = [readers.wait(0, false, never), readers.wait(1, true, never)];
  readers.fail(new Error('no source'), 'unbegun');
  await assert.rejects(fresh, /no source/);
  have.set(1);
  readers.wake();
  await begun;
});

test('a withheld piece is not readable before the whole blob is verified', async () => {
  const { have, readers } = setOf(3);
  for (let piece = 0; piece < 4; piece++) have.set(piece);
  assert.equal(readers.readable(3), false);
  const last = readers.wait(3, true, never);
  readers.release();
  await last;
});
