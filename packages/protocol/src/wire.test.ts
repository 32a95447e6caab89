import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { InvalidValueError, leafLength, parseSwarmId } from '@shoal/core';
import fc from 'fast-check';
import { chunkBytesMax, frameBytesMax, hashesMax, haveDeltaMax, pieceCountMax, recordBytesMax } from './limits.ts';
import type { Message } from './messages.ts';
import { ProtocolError } from './protocol-error.ts';
import { dataHeader, messages } from './testing/arbitraries.ts';
import { dataFrame, decodeAll, phaseOf } from './testing/frames.ts';
import { dataHeaderBytes, encodeDataHeader, encodeMessage } from './wire.ts';

const swarm = parseSwarmId('ab'.repeat(32));

suite('wire', () => {
  for (const [type, arbitrary] of Object.entries(messages)) {
    test(`${type}: decoding an encoded message gives it back`, () => {
      fc.assert(
        fc.property(arbitrary as fc.Arbitrary<Message>, (message) => {
          assert.deepEqual(decodeAll(phaseOf(message), [encodeMessage(message)]).messages, [message]);
        }),
        { numRuns: 60 },
      );
    });

    test(`${type}: a body that is cut or too long is refused`, () => {
      fc.assert(
        fc.property(arbitrary as fc.Arbitrary<Message>, fc.nat(), (message, place) => {
          const body = encodeMessage(message).subarray(5);
          const longer = reframe(encodeMessage(message), [...body, 0]);
          if (type !== 'record' && type !== 'hello') {
            assert.throws(() => decodeAll(phaseOf(message), [longer]), ProtocolError);
          }
          if (body.length === 0 || type === 'record' || type === 'hello') return;
          const shorter = reframe(encodeMessage(message), [...body.subarray(0, place % body.length)]);
          assert.throws(() => decodeAll(phaseOf(message), [shorter]), ProtocolError);
        }),
        { numRuns: 40 },
      );
    });
  }

  test('DATA: header and payload come back, an empty one begins and ends', () => {
    fc.assert(
      fc.property(dataHeader(1000), (header) => {
        const payload = new Uint8Array(header.length).fill(7);
        const { data } = decodeAll('data', [dataFrame(header, payload)]);
        assert.deepEqual(data, [{ header, payload, ended: true }]);
      }),
    );
  });

  test('the encoder refuses what a decoder would', () => {
    const refused: Message[] = [
      { type: 'have', channel: -1, piece: 0, queueLength: 0 },
      { type: 'have', channel: 1, piece: pieceCountMax, queueLength: 0 },
      { type: 'have', channel: 1, piece: 0.5, queueLength: 0 },
      { type: 'have', channel: 1, piece: 0, queueLength: Number.NaN },
      { type: 'request', channel: 2 ** 32, piece: 0 },
      { type: 'join', channel: 0, swarm, size: 1, pieceLength: 1000, have: 'all' },
      { type: 'join', channel: 0, swarm, size: leafLength * 9, pieceLength: leafLength, have: Uint8Array.of(255) },
      { type: 'join', channel: 0, swarm, size: leafLength, pieceLength: leafLength, have: Uint8Array.of(1) },
      { type: 'join', channel: 0, swarm, size: leafLength * (pieceCountMax + 1), pieceLength: leafLength, have: 'all' },
      { type: 'wantAny', channel: 0, haveDelta: Array.from({ length: haveDeltaMax + 1 }, () => 0) },
      { type: 'wantAny', channel: 0, haveDelta: [], prefer: Array.from({ length: 257 }, () => 0) },
      { type: 'hashes', channel: 0, first: 0, hashes: [new Uint8Array(31)] },
      { type: 'hashes', channel: 0, first: 0, hashes: Array.from({ length: hashesMax + 1 }, () => new Uint8Array(32)) },
      { type: 'record', id: 0, bytes: new Uint8Array(recordBytesMax + 1) },
      { type: 'noRecord', id: 0, reason: 'é'.repeat(257) },
      { type: 'error', code: 'nonsense' as 'protocol', reason: '' },
      { type: 'hello', signed: new Uint8Array(0), credential: { kind: 'hmac', bytes: new Uint8Array(31) } },
      { type: 'hello', signed: new Uint8Array(4096) },
    ];
    for (const message of refused) assert.throws(() => encodeMessage(message), InvalidValueError, message.type);
    const frame = new Uint8Array(dataHeaderBytes);
    assert.throws(
      () => encodeDataHeader({ channel: 0, piece: 0, offset: 0, length: chunkBytesMax + 1 }, frame),
      InvalidValueError,
    );
    assert.throws(
      () => encodeDataHeader({ channel: 0, piece: 0, offset: 2 ** 53, length: 0 }, frame),
      InvalidValueError,
    );
  });

  test('the largest messages fit a frame and come back', () => {
    const largest: Message[] = [
      { type: 'record', id: 1, bytes: new Uint8Array(recordBytesMax).fill(9) },
      {
        type: 'join',
        channel: 1,
        swarm,
        size: leafLength * pieceCountMax,
        pieceLength: leafLength,
        have: new Uint8Array(pieceCountMax / 8).fill(255),
      },
      {
        type: 'hashes',
        channel: 1,
        first: 2,
        hashes: Array.from({ length: hashesMax }, () => new Uint8Array(32).fill(3)),
      },
      {
        type: 'wantAny',
        channel: 1,
        haveDelta: Array.from({ length: haveDeltaMax }, () => 5),
        prefer: Array.from({ length: 256 }, () => 6),
      },
    ];
    for (const message of largest) {
      const frame = encodeMessage(message);
      assert.ok(frame.length - 4 <= frameBytesMax, message.type);
      assert.deepEqual(decodeAll('control', [frame]).messages, [message]);
    }
  });

  test('decoded byte arrays are copies: the receive buffer may be overwritten', () => {
    const message: Message = { type: 'record', id: 1, bytes: Uint8Array.of(1, 2, 3) };
    for (const frame of [encodeMessage(message), Buffer.from(encodeMessage(message))]) {
      const { messages: decoded } = decodeAll('control', [frame]);
      frame.fill(0);
      assert.deepEqual(decoded, [message]);
    }
  });
});

const reframe = (frame: Uint8Array, body: readonly number[]): Uint8Array => {
  const length = body.length + 1;
  return Uint8Array.of(0, length >>> 16, (length >>> 8) & 0xff, length & 0xff, frame[4] ?? 0, ...body);
};
