import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { frameBytesMax } from './limits.ts';
import type { Message } from './messages.ts';
import { decodeHelloFields, encodeHelloFields } from './hello.ts';
import { ProtocolError } from './protocol-error.ts';
import { dataHeader, helloFields, messages } from './testing/arbitraries.ts';
import { concatenate, cut, dataFrame, phaseOf, recordingSink } from './testing/frames.ts';
import { FrameDecoder } from './frame-decoder.ts';
import { encodeMessage, type Phase } from './wire.ts';

const message = fc.oneof(...(Object.values(messages) as fc.Arbitrary<Message>[]));
const phase = fc.constantFrom<Phase>('handshake', 'control', 'data');
const places = fc.array(fc.nat(), { maxLength: 20 });

/** Pushes slices until the decoder refuses; anything but a ProtocolError fails the property. */
const survives = (inPhase: Phase, slices: readonly Uint8Array[]): boolean => {
  const decoder = new FrameDecoder(recordingSink());
  decoder.phase = inPhase;
  for (const slice of slices) {
    try {
      decoder.push(slice);
    } catch (error) {
      assert.ok(error instanceof ProtocolError, String(error));
      assert.ok(error.reason.length > 0);
      return false;
    }
    assert.ok(decoder.heldBytes <= frameBytesMax + 32);
  }
  return true;
};

const mutate = (frame: Uint8Array, changes: readonly [number, number][]): Uint8Array => {
  const mutated = frame.slice();
  for (const [place, value] of changes) mutated[place % mutated.length] = value;
  return mutated;
};

const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 6 });

suite('fuzz', () => {
  test('random bytes, cut anywhere', () => {
    fc.assert(
      fc.property(phase, fc.uint8Array({ maxLength: 2000 }), places, (inPhase, bytes, at) => {
        survives(inPhase, cut(bytes, at));
      }),
      { numRuns: 1000 },
    );
  });

  test('frames with a known type and random bodies', () => {
    const type = fc.constantFrom(1, 2, 3, 4, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 32, 33, 34, 40, 41, 64);
    fc.assert(
      fc.property(phase, type, fc.uint8Array({ maxLength: 200 }), (inPhase, code, body) => {
        survives(inPhase, [Uint8Array.of(0, 0, 0, body.length + 1, code, ...body)]);
      }),
      { numRuns: 2000 },
    );
  });

  test('valid frames with some bytes changed', () => {
    let refused = 0;
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 3 }), changes, places, (list, edits, at) => {
        const stream = mutate(concatenate(list.map((entry) => encodeMessage(entry))), edits);
        if (!survives(phaseOf(list[0]!), cut(stream, at))) refused++;
      }),
      { numRuns: 1500 },
    );
    assert.ok(refused > 0, 'no mutation was ever refused');
  });

  test('valid data streams with some bytes changed', () => {
    fc.assert(
      fc.property(dataHeader(500), changes, places, (header, edits, at) => {
        survives('data', cut(mutate(dataFrame(header, new Uint8Array(header.length)), edits), at));
      }),
      { numRuns: 500 },
    );
  });

  test('HELLO fields with some bytes changed', () => {
    fc.assert(
      fc.property(helloFields, changes, (hello, edits) => {
        try {
          decodeHelloFields(mutate(encodeHelloFields(hello), edits));
        } catch (error) {
          assert.ok(error instanceof ProtocolError, String(error));
        }
      }),
      { numRuns: 1000 },
    );
  });
});
