import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { leechLimitsFor, outstandingFor, sharedOutstanding } from './leech-limits.ts';

const pieceCounts = fc.integer({ min: 1, max: 100_000 });
const counts = fc.integer({ min: 1, max: 1000 });

test('one download, and two, may have out what their pieces allow', () => {
  fc.assert(
    fc.property(pieceCounts, fc.constantFrom(0, 1, 2), (pieces, running) => {
      assert.equal(sharedOutstanding(outstandingFor(pieces), running), leechLimitsFor(pieces).outstandingMax);
    }),
  );
});

test('many share 24 requests, and each has at least 4; none has more because others began', () => {
  fc.assert(
    fc.property(pieceCounts, counts, (pieces, running) => {
      const alone = outstandingFor(pieces);
      const each = sharedOutstanding(alone, running);
      assert.ok(each >= 4 && each <= alone);
      assert.ok(sharedOutstanding(alone, running + 1) <= each);
      if (running > 2 && each > 4) assert.ok(each * running <= 24);
    }),
  );
});
