import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { suite, test } from 'node:test';
import { MiB } from '@shoal/core';
import { ReceiveTurn } from './receive-turn.ts';

class Spy {
  readonly calls: string[] = [];
  pause(): void {
    this.calls.push('pause');
  }
  resume(): void {
    this.calls.push('resume');
  }
}

suite('ReceiveTurn', () => {
  test('whoever receives after the bytes of a turn pauses until the next one', async () => {
    const [turn, first, second] = [new ReceiveTurn(), new Spy(), new Spy()];
    turn.received(4 * MiB - 1);
    turn.yield(first);
    assert.deepEqual(first.calls, []);
    turn.received(1);
    turn.yield(first);
    turn.received(1);
    turn.yield(second);
    assert.deepEqual([first.calls, second.calls], [['pause'], ['pause']]);
    await nextTurn();
    assert.deepEqual(
      [first.calls, second.calls],
      [
        ['pause', 'resume'],
        ['pause', 'resume'],
      ],
    );
    turn.received(MiB);
    turn.yield(first);
    assert.deepEqual(first.calls, ['pause', 'resume']);
  });
});
