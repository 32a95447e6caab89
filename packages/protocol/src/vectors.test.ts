import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { decodeHelloFields, encodeHelloFields, type HelloFields } from './hello.ts';
import type { DataHeader, Message } from './messages.ts';
import { ProtocolError } from './protocol-error.ts';
import { dataFrame, decodeAll } from './testing/frames.ts';
import { fromVector } from './testing/vector.ts';
import { encodeMessage, type Phase } from './wire.ts';

interface Vector {
  readonly name: string;
  readonly phase: Phase;
  readonly hex: string;
}

const read = <V>(file: string): V[] => {
  const url = new URL(`../../../test/vectors/protocol/${file}.json`, import.meta.url);
  return (JSON.parse(readFileSync(url, 'utf8')) as unknown[]).map((entry) => fromVector(entry) as V);
};

suite('byte vectors', () => {
  for (const file of ['handshake', 'control']) {
    for (const { name, phase, hex, message } of read<Vector & { message: Message }>(file)) {
      test(`${file}: ${name}`, () => {
        assert.deepEqual(decodeAll(phase, [Uint8Array.fromHex(hex)]).messages, [message]);
        assert.equal(encodeMessage(message).toHex(), hex);
      });
    }
  }

  for (const { name, hex, fields } of read<Vector & { fields: HelloFields }>('hello-fields')) {
    test(`hello-fields: ${name}`, () => {
      assert.deepEqual(decodeHelloFields(Uint8Array.fromHex(hex)), fields);
      assert.equal(encodeHelloFields(fields).toHex(), hex);
    });
  }

  for (const { name, hex, header, payload } of read<Vector & { header: DataHeader; payload: Uint8Array }>('data')) {
    test(`data: ${name}`, () => {
      assert.deepEqual(decodeAll('data', [Uint8Array.fromHex(hex)]).data, [{ header, payload, ended: true }]);
      assert.equal(dataFrame(header, payload).toHex(), hex);
    });
  }

  for (const { name, phase, hex } of read<Vector>('skipped')) {
    test(`skipped: ${name}`, () => {
      const { messages, data, decoder } = decodeAll(phase, [Uint8Array.fromHex(hex)]);
      assert.deepEqual([messages, data, decoder.heldBytes], [[], [], 0]);
    });
  }

  for (const { name, phase, hex, reason } of read<Vector & { reason: string }>('malformed')) {
    test(`malformed: ${name}`, () => {
      assert.throws(
        () => decodeAll(phase, [Uint8Array.fromHex(hex)]),
        (error) => error instanceof ProtocolError && error.reason === reason,
      );
    });
  }
});
