import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rules } from './rules.ts';

const facts = { holds: true, held: false, missing: 10, offered: () => [] as number[] };
const rules = (): Rules => new Rules(42, 3, 2);

test('every rule is broken by its breach, and the message names the seed', () => {
  assert.throws(
    () => rules().requested(1, 0, { ...facts, holds: false }),
    /seed 42: agent 3 asks 1 for piece 0, which it lacks/,
  );
  assert.throws(() => rules().requested(1, 0, { ...facts, held: true }), /which it has/);
  const twice = rules();
  twice.requested(1, 0, facts);
  assert.throws(() => twice.requested(1, 0, facts), /twice/);
  assert.throws(() => twice.requested(2, 0, facts), /2 times, 1 of 10/);
  const many = rules();
  for (let piece = 0; piece < 6; piece++) many.requested(piece, piece, facts);
  assert.throws(() => many.requested(9, 9, facts), /7 requests are out/);
  const narrow = new Rules(1, 1, 20);
  for (let piece = 0; piece < 6; piece++) narrow.requested(1, piece, facts);
  assert.throws(() => narrow.requested(1, 6, facts), /7 requests are out at 1/);
});

test('a second request is allowed in the endgame, and after the first one ended', () => {
  const endgame = rules();
  endgame.requested(1, 0, { ...facts, missing: 2 });
  endgame.requested(2, 0, { ...facts, missing: 2, offered: () => [1] });
  const ended = rules();
  ended.requested(1, 0, facts);
  ended.ended(1, 0);
  ended.requested(2, 0, facts);
  ended.peerLeft(2);
  ended.requested(1, 0, facts);
});
