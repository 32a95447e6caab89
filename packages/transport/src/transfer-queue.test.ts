import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { MiB } from '@shoal/core';
import { chunkBytesMax } from '@shoal/protocol';
import fc from 'fast-check';
import { smallInARowMax, TransferQueue } from './transfer-queue.ts';

interface Sent {
  readonly name: string;
  readonly length: number;
}

/** Takes chunks until nothing is left; each entry is whose chunk it was. */
const drain = (list: readonly Sent[]): string[] => {
  const queue = new TransferQueue<Sent>();
  const left = new Map(list.map((entry) => [entry, entry.length]));
  for (const entry of list) queue.add(entry);
  const order: string[] = [];
  for (let entry = queue.take(); entry; entry = queue.take()) {
    order.push(entry.name);
    const rest = left.get(entry)! - chunkBytesMax;
    left.set(entry, rest);
    if (rest > 0) queue.add(entry);
  }
  return order;
};

suite('TransferQueue', () => {
  test('large transfers take turns, chunk by chunk', () => {
    const order = drain([
      { name: 'a', length: 3 * chunkBytesMax },
      { name: 'b', length: 2 * chunkBytesMax },
      { name: 'c', length: 3 * chunkBytesMax },
    ]);
    assert.equal(order.join(''), 'abcabcac');
  });

  test('small ones go first, the smallest first, equal ones in order', () => {
    const order = drain([
      { name: 'L', length: 4 * chunkBytesMax },
      { name: 'c', length: chunkBytesMax },
      { name: 'a', length: 10 },
      { name: 'b', length: chunkBytesMax - 1 },
      { name: 'd', length: chunkBytesMax },
    ]);
    assert.equal(order.join(''), 'abcdLLLL');
  });

  test('a stream of small ones does not starve a large one', () => {
    const queue = new TransferQueue<Sent>();
    queue.add({ name: 'L', length: MiB });
    const order = Array.from({ length: 20 }, () => {
      queue.add({ name: 's', length: 10 });
      const taken = queue.take()!;
      if (taken.name === 'L') queue.add(taken);
      return taken.name;
    });
    assert.equal(order.join(''), `${'s'.repeat(smallInARowMax)}L`.repeat(4));
  });

  test('every chunk of every transfer is sent once', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 2 * MiB }), { maxLength: 12 }), (lengths) => {
        const order = drain(lengths.map((length, index) => ({ name: `${index}`, length })));
        for (const [index, length] of lengths.entries()) {
          assert.equal(order.filter((name) => name === `${index}`).length, Math.ceil(length / chunkBytesMax));
        }
      }),
    );
  });

  test('what was removed is not taken', () => {
    const queue = new TransferQueue<Sent>();
    const [small, large] = [
      { name: 's', length: 1 },
      { name: 'L', length: MiB },
    ];
    queue.add(small);
    queue.add(large);
    assert.ok(queue.remove(small));
    assert.ok(!queue.remove(small));
    assert.equal(queue.take(), large);
    assert.ok(!queue.remove(large));
    assert.equal(queue.size, 0);
  });
});
