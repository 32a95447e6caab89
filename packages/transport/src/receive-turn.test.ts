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

  test('connections that always have more get their turns one after the other', async () => {
    const turn = new ReceiveTurn();
    const bytes = [0, 0, 0];
    // Polled in the order in which they were resumed, each until it pauses, as libuv does.
    let polled: number[] = [];
    const resumed = [0, 1, 2];
    const connections = bytes.map((_, index) => ({
      pause: () => void polled.splice(polled.indexOf(index), 1),
      resume: () => void resumed.push(index),
    }));
    for (let count = 0; count < 30; count++) {
      polled = resumed.splice(0);
      for (const index of polled.slice())
        while (polled.includes(index)) {
          bytes[index]! += MiB;
          turn.received(MiB);
          turn.yield(connections[index]!);
        }
      await nextTurn();
    }
    assert.equal(Math.max(...bytes), Math.min(...bytes));
  });
});
