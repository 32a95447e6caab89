import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wantsFirstPiece } from './first-piece.ts';

const wants = (waitedMs: number, have: number, degree: number) =>
  wantsFirstPiece({ waitedMs, have, pieces: 300, degree }, 9000);

test('in a small swarm a reader that waits beyond a thirtieth of the blob gets help', () => {
  assert.equal(wants(100, 9, 3), false);
  assert.equal(wants(100, 10, 3), true);
});

test('in a crowd only the deadline counts', () => {
  assert.equal(wants(100, 100, 20), false);
  assert.equal(wants(3000, 0, 20), true);
});
