import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Bitfield } from '@shoal/core';
import fc from 'fast-check';
import Value from 'typebox/value';
import { heldParts, ReportSchema, reportNeighboursMax, reportPartsMax, reportSwarmsMax } from './report.ts';

const fieldOf = (bits: readonly boolean[]): Bitfield => {
  const field = new Bitfield(bits.length);
  for (const [piece, held] of bits.entries()) if (held) field.set(piece);
  return field;
};

suite('what a node holds of a blob, in parts', () => {
  const bits = fc.array(fc.boolean(), { minLength: 1, maxLength: 1000 });

  test('0 is nothing of a part and f is all of it, whatever else is held', () => {
    fc.assert(
      fc.property(bits, (pieces) => {
        const digits = heldParts(fieldOf(pieces));
        const parts = Math.min(pieces.length, reportPartsMax);
        assert.equal(digits.length, parts);
        for (let part = 0; part < parts; part++) {
          const of = pieces.slice(
            Math.floor((part * pieces.length) / parts),
            Math.floor(((part + 1) * pieces.length) / parts),
          );
          assert.equal(digits[part] === '0', !of.includes(true));
          assert.equal(digits[part] === 'f', !of.includes(false));
        }
      }),
    );
  });

  test('a piece more never lowers a digit', () => {
    fc.assert(
      fc.property(bits, fc.nat(), (pieces, at) => {
        const field = fieldOf(pieces);
        const before = heldParts(field);
        field.set(at % pieces.length);
        const after = heldParts(field);
        for (let part = 0; part < after.length; part++) assert.ok(after.charAt(part) >= before.charAt(part));
      }),
    );
  });
});

suite('report schema', () => {
  const swarm = {
    swarm: 'cd'.repeat(32),
    size: 1,
    pieces: 1,
    have: 0,
    held: '0',
    neighbours: ['0123456789'],
    origins: [],
    bytes: { peers: 0, origins: 0, http: 0, discarded: 0, sent: 0 },
    corrupt: 0,
    way: 'swarm',
    readers: 1,
    ageMs: 5,
  };
  const report = {
    peer: { peerId: 'ab'.repeat(20), incarnation: 1, address: '10.0.0.1:7021', zone: '', role: 'agent' },
    load: {
      sentBytes: 0,
      receivedBytes: 0,
      uploadBytesPerSecondMax: 0,
      downloadBytesPerSecondMax: 0,
      uploadsWaiting: 0,
      busy: 0.5,
    },
    swarms: [swarm],
  };
  const accepts = (change: object): boolean =>
    Value.Check(ReportSchema, { ...report, swarms: [{ ...swarm, ...change }] });

  test('a whole report passes', () => assert.ok(accepts({})));

  test('each field is bounded', () => {
    for (const change of [
      { held: 'f'.repeat(reportPartsMax + 1) },
      { held: 'x' },
      { neighbours: Array.from({ length: reportNeighboursMax + 1 }, () => '0123456789') },
      { neighbours: ['0123'] },
      { way: 'magic' },
      { bytes: { peers: -1 } },
    ])
      assert.ok(!accepts(change), JSON.stringify(change));
    const many = { ...report, swarms: Array.from({ length: reportSwarmsMax + 1 }, () => swarm) };
    assert.ok(!Value.Check(ReportSchema, many));
  });
});
