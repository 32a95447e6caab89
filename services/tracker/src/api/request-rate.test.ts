import assert from 'node:assert/strict';
import { it } from 'node:test';
import { RequestRate, TooManyRequestsError } from './request-rate.ts';

const make = (peersMax = 100) => {
  const time = { nowMs: 0 };
  const rate = new RequestRate({ perSecondMax: 10, burst: 3, peersMax, clock: () => time.nowMs });
  const taken = (peer: string, times: number): number => {
    let count = 0;
    for (let n = 0; n < times; n++) {
      try {
        rate.take(peer);
        count += 1;
      } catch (error) {
        assert.ok(error instanceof TooManyRequestsError);
        assert.equal(error.status, 429);
      }
    }
    return count;
  };
  return { time, taken };
};

it('allows a burst, then the mean, each peer apart', () => {
  const { time, taken } = make();
  assert.deepEqual([taken('a', 10), taken('b', 2)], [3, 2]);
  time.nowMs = 100;
  assert.equal(taken('a', 10), 1);
  time.nowMs = 10_000;
  assert.equal(taken('a', 10), 3);
});

it('gives a peer that never stops asking its mean rate all the same', () => {
  const { time, taken } = make();
  let count = 0;
  for (; time.nowMs < 10_000; time.nowMs += 10) count += taken('a', 1);
  assert.ok(count >= 100 && count <= 104, String(count));
});

it('remembers so many peers', () => {
  const { taken } = make(2);
  assert.equal(taken('a', 10), 3);
  taken('b', 1);
  taken('c', 1);
  assert.equal(taken('a', 10), 3, 'a was forgotten');
});
