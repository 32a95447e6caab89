import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteBudget } from './byte-budget.ts';
import { Landing } from './landing.ts';
import type { Reception } from './reception.ts';
import { MemoryBlob, testBlob } from './testing/blobs.ts';

const blob = testBlob(600_000, 7);
const { pieceLength } = blob.metainfo;

const landingWith = (budgetBytes: number): { sink: MemoryBlob; landing: Landing; budget: ByteBudget } => {
  const sink = new MemoryBlob(blob.metainfo);
  const budget = new ByteBudget(budgetBytes);
  return { sink, budget, landing: new Landing({ metainfo: blob.metainfo, sink, budget }) };
};

/** Delivers bytes of a piece as one DATA frame. */
const frame = (
  landing: Landing,
  source: number,
  piece: number,
  from: number,
  to: number,
  bytes = blob.bytes,
): Reception | 'noRoom' | undefined => {
  const offset = piece * pieceLength + from;
  const reception = landing.begin(source, { channel: 1, piece, offset, length: to - from });
  if (typeof reception === 'object') reception.update(bytes.subarray(offset, offset + to - from));
  return reception;
};

test('a piece is written as it lands and marked when its hash matches', () => {
  const { landing, sink } = landingWith(0);
  landing.expect(1, 0);
  frame(landing, 1, 0, 0, 100_000);
  assert.equal(sink.writtenBytes, 100_000);
  const reception = frame(landing, 1, 0, 100_000, pieceLength) as Reception;
  assert.ok(reception.full);
  assert.equal(landing.settle(reception), 'verified');
  assert.deepEqual(sink.marked, [0]);
  assert.equal(landing.expects(1, 0), false);
});

test('bytes that nobody asked for, that leave a gap or that pass the end have no place', () => {
  const { landing, sink } = landingWith(0);
  assert.equal(frame(landing, 1, 0, 0, 1000), undefined);
  landing.expect(1, 0);
  assert.equal(frame(landing, 2, 0, 0, 1000), undefined);
  assert.equal(frame(landing, 1, 0, 500, 1000), undefined);
  assert.equal(landing.begin(1, { channel: 1, piece: 0, offset: 0, length: pieceLength + 1 }), undefined);
  assert.equal(sink.writtenBytes, 0);
});

test('a second copy stays in memory until it verifies first, and the writer writes no more', () => {
  const { landing, sink, budget } = landingWith(pieceLength);
  landing.expect(1, 0);
  landing.expect(2, 0);
  const slow = frame(landing, 1, 0, 0, 1000) as Reception;
  const fast = frame(landing, 2, 0, 0, pieceLength) as Reception;
  assert.equal(sink.writtenBytes, 1000);
  assert.equal(budget.used, pieceLength);
  assert.equal(landing.settle(fast), 'verified');
  assert.equal(slow.update(new Uint8Array(10)), false);
  assert.equal(budget.used, 0);
  assert.equal(Buffer.compare(sink.bytes.subarray(0, pieceLength), blob.bytes.subarray(0, pieceLength)), 0);
});

test('a corrupt second copy touches neither the file nor the first', () => {
  const { landing, sink } = landingWith(pieceLength);
  const wrong = Uint8Array.from(blob.bytes);
  wrong[5] = (wrong[5] ?? 0) ^ 1;
  landing.expect(1, 0);
  landing.expect(2, 0);
  frame(landing, 1, 0, 0, 1000);
  assert.equal(landing.settle(frame(landing, 2, 0, 0, pieceLength, wrong) as Reception), 'corrupt');
  assert.equal(sink.have.count, 0);
  assert.equal(landing.settle(frame(landing, 1, 0, 1000, pieceLength) as Reception), 'verified');
  assert.equal(Buffer.compare(sink.bytes.subarray(0, pieceLength), blob.bytes.subarray(0, pieceLength)), 0);
});

test('second copies beyond the budget are turned away; a freed range has a writer again', () => {
  const { landing, sink } = landingWith(pieceLength);
  for (const source of [1, 2, 3]) landing.expect(source, 0);
  frame(landing, 1, 0, 0, 1000);
  frame(landing, 2, 0, 0, 1000);
  assert.equal(frame(landing, 3, 0, 0, 1000), 'noRoom');
  landing.dropSource(1);
  assert.equal(typeof frame(landing, 3, 0, 0, 1000), 'object');
  assert.equal(sink.writtenBytes, 2000);
});

test('a transfer that begins anew after a cancel is taken from its first byte, late bytes of the old one are not', () => {
  const { landing } = landingWith(0);
  landing.expect(1, 0);
  frame(landing, 1, 0, 0, 1000);
  landing.drop(1, 0);
  landing.expect(1, 0);
  assert.equal(frame(landing, 1, 0, 1000, 2000), undefined);
  const reception = frame(landing, 1, 0, 0, pieceLength) as Reception;
  assert.equal(landing.settle(reception), 'verified');
});

test('property: whatever arrives in whatever order, a marked piece holds the right bytes', () => {
  const step = fc.record({
    source: fc.integer({ min: 0, max: 3 }),
    piece: fc.integer({ min: 0, max: 2 }),
    part: fc.integer({ min: 1, max: 3 }),
    bad: fc.boolean(),
    drop: fc.boolean(),
  });
  const wrong = blob.bytes.map((byte) => byte ^ 0xff);
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { landing, sink, budget } = landingWith(pieceLength);
      for (const { source, piece, part, bad, drop } of steps) {
        if (drop) landing.dropSource(source);
        const known = sink.have.has(piece) ? undefined : landing.expect(source, piece);
        if (!known) continue;
        const to = Math.min(known.length, known.received + Math.ceil((known.length * part) / 3));
        const reception = frame(landing, source, piece, known.received, to, bad ? wrong : blob.bytes);
        if (typeof reception === 'object' && reception.full) landing.settle(reception);
      }
      for (let piece = 0; piece < 3; piece++) {
        if (!sink.have.has(piece)) continue;
        const [from, to] = [piece * pieceLength, Math.min((piece + 1) * pieceLength, blob.bytes.length)];
        assert.equal(Buffer.compare(sink.bytes.subarray(from, to), blob.bytes.subarray(from, to)), 0);
      }
      landing.clear();
      assert.equal(budget.used, 0);
    }),
    { numRuns: 60 },
  );
});
