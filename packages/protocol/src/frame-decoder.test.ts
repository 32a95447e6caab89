import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { FrameDecoder } from './frame-decoder.ts';
import type { Message } from './messages.ts';
import { ProtocolError } from './protocol-error.ts';
import { dataHeader, messages } from './testing/arbitraries.ts';
import { concatenate, cut, dataFrame, decodeAll, phaseOf, recordingSink } from './testing/frames.ts';
import { encodeMessage, type Phase } from './wire.ts';

const control = fc
  .oneof(...(Object.values(messages) as fc.Arbitrary<Message>[]))
  .filter((message) => phaseOf(message) === 'control');

/** A frame head, and a body of zeros when it is short. */
const head = (length: number, type: number): Uint8Array =>
  Uint8Array.of(length >>> 24, (length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff, type);

const refusal = (phase: Phase, bytes: Uint8Array): string => {
  try {
    decodeAll(phase, [bytes]);
  } catch (error) {
    assert.ok(error instanceof ProtocolError, String(error));
    return error.reason;
  }
  return assert.fail('nothing was thrown');
};

suite('FrameDecoder', () => {
  test('any cutting of a control stream gives the same messages', () => {
    fc.assert(
      fc.property(fc.array(control, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 30 }), (list, places) => {
        const stream = concatenate(list.map((message) => encodeMessage(message)));
        assert.deepEqual(decodeAll('control', cut(stream, places)).messages, list);
      }),
    );
  });

  test('any cutting of a data stream gives the same payloads', () => {
    const frames = fc.array(dataHeader(300), { maxLength: 8 });
    fc.assert(
      fc.property(frames, fc.array(fc.nat(), { maxLength: 30 }), (headers, places) => {
        const payloads = headers.map(({ length }, seed) =>
          Uint8Array.from({ length }, (_, index) => index * 31 + seed),
        );
        const stream = concatenate(headers.map((header, index) => dataFrame(header, payloads[index]!)));
        const { data } = decodeAll('data', cut(stream, places));
        assert.deepEqual(
          data,
          headers.map((header, index) => ({ header, payload: payloads[index]!, ended: true })),
        );
      }),
    );
  });

  test('payload is handed through without a copy', () => {
    const seen: Uint8Array[] = [];
    const sink = { ...recordingSink(), dataBytes: (bytes: Uint8Array) => void seen.push(bytes) };
    const decoder = new FrameDecoder(sink);
    decoder.phase = 'data';
    const slice = dataFrame({ channel: 1, piece: 2, offset: 3, length: 100_000 }, new Uint8Array(100_000));
    decoder.push(slice);
    assert.equal(seen.length, 1);
    assert.equal(seen[0]!.buffer, slice.buffer);
    assert.equal(decoder.heldBytes, 0);
  });

  test('a length over the bound is refused from the head alone, before anything is held', () => {
    assert.match(refusal('control', head(0xffff_ffff, 33)), /length 4294967295 is over 1048576/);
    assert.match(refusal('handshake', head(5000, 2)), /length 5000 is over 4096/);
    assert.match(refusal('data', head(5000, 4)), /length 5000 is over 4096/);
    assert.match(refusal('data', head(600_000, 64)), /DATA: length 600000 is out of bounds/);
    assert.match(refusal('data', head(16, 64)), /DATA: length 16 is out of bounds/);
    assert.match(refusal('control', head(14, 19)), /have: 13 bytes are over 12/);
    assert.match(refusal('control', head(0, 0)), /length 0/);
  });

  test('what is out of its place is refused', () => {
    assert.match(
      refusal('handshake', encodeMessage({ type: 'leave', channel: 1 })),
      /leave is not allowed in the handshake phase/,
    );
    assert.match(refusal('control', encodeMessage({ type: 'ready' })), /ready is not allowed in the control phase/);
    assert.match(refusal('data', encodeMessage({ type: 'ping', nonce: 1 })), /ping is not allowed in the data phase/);
    assert.match(refusal('control', head(20, 64)), /DATA is not allowed on a control connection/);
    const error = { type: 'error', code: 'closing', reason: 'bye' } as const;
    for (const phase of ['handshake', 'control', 'data'] as const) {
      assert.deepEqual(decodeAll(phase, [encodeMessage(error)]).messages, [error]);
    }
  });

  test('a frame of an unknown type is skipped without being held', () => {
    const leave = encodeMessage({ type: 'leave', channel: 7 });
    const unknown = concatenate([head(1_000_001, 200), new Uint8Array(500_000)]);
    const { messages: none, decoder } = decodeAll('control', [unknown]);
    assert.deepEqual(none, []);
    assert.equal(decoder.heldBytes, 0);
    const { messages: one } = decodeAll('control', [unknown, new Uint8Array(500_000), head(1, 201), leave]);
    assert.deepEqual(one, [{ type: 'leave', channel: 7 }]);
  });

  test('the sink changes the phase for the very next frame of a slice', () => {
    const seen: Message[] = [];
    const decoder = new FrameDecoder({
      ...recordingSink(),
      message: (message) => {
        seen.push(message);
        decoder.phase = 'control';
      },
    });
    decoder.push(concatenate([encodeMessage({ type: 'ready' }), encodeMessage({ type: 'leave', channel: 1 })]));
    assert.deepEqual(
      seen.map(({ type }) => type),
      ['ready', 'leave'],
    );
  });

  test('after stop, and after an error, nothing comes any more', () => {
    const sink = recordingSink();
    const decoder = new FrameDecoder({ ...sink, message: (message) => (sink.message(message), decoder.stop()) });
    decoder.phase = 'control';
    const leave = encodeMessage({ type: 'leave', channel: 1 });
    decoder.push(concatenate([leave, leave]));
    decoder.push(leave);
    assert.equal(sink.messages.length, 1);
    const broken = new FrameDecoder(sink);
    assert.throws(() => broken.push(head(0, 0)), ProtocolError);
    broken.push(leave);
    assert.equal(sink.messages.length, 1);
  });
});
