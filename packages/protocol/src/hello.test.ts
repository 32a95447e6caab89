import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { InvalidValueError, parsePeerId } from '@shoal/core';
import fc from 'fast-check';
import { decodeHelloFields, encodeHelloFields, type HelloFields } from './hello.ts';
import { ProtocolError } from './protocol-error.ts';
import { helloFields } from './testing/arbitraries.ts';
import { concatenate } from './testing/frames.ts';

const hello: HelloFields = {
  version: 1,
  connection: 'control',
  clusterId: 'test',
  peerId: parsePeerId('0a'.repeat(20)),
  incarnation: 5,
  role: 'agent',
  zone: '',
  address: '127.0.0.1:7021',
  nonce: new Uint8Array(32),
  duplicate: false,
};

suite('HELLO', () => {
  test('decoding encoded fields gives them back', () => {
    fc.assert(
      fc.property(helloFields, (fields) => assert.deepEqual(decodeHelloFields(encodeHelloFields(fields)), fields)),
    );
  });

  test('a field of a later version is skipped', () => {
    const later = concatenate([Uint8Array.of(99, 0, 2, 1, 2), encodeHelloFields(hello), Uint8Array.of(98, 0, 0)]);
    assert.deepEqual(decodeHelloFields(later), hello);
  });

  test('a field that is missing, twice there or out of bounds is named', () => {
    const encoded = encodeHelloFields(hello);
    assert.throws(() => decodeHelloFields(encoded.subarray(5)), /version is missing/);
    assert.throws(() => decodeHelloFields(concatenate([encoded, Uint8Array.of(6, 0, 1, 1)])), /role is there twice/);
    assert.throws(() => decodeHelloFields(Uint8Array.of(6, 0, 1, 9)), /role 9 is unknown/);
    assert.throws(() => decodeHelloFields(Uint8Array.of(6, 0, 2, 1, 1)), /1 bytes too many/);
    assert.throws(() => decodeHelloFields(Uint8Array.of(8, 0, 3, 0, 1, 65)), /address: "A" is not allowed/);
    assert.throws(() => decodeHelloFields(Uint8Array.of(3, 0, 2, 0, 0)), /clusterId is not 1 to 64/);
    assert.throws(() => decodeHelloFields(Uint8Array.of(3, 1)), ProtocolError);
  });

  test('the encoder refuses what a decoder would', () => {
    assert.throws(() => encodeHelloFields({ ...hello, clusterId: '' }), InvalidValueError);
    assert.throws(() => encodeHelloFields({ ...hello, zone: 'a b' }), InvalidValueError);
    assert.throws(() => encodeHelloFields({ ...hello, address: 'nowhere' }), InvalidValueError);
    assert.throws(() => encodeHelloFields({ ...hello, incarnation: -1 }), InvalidValueError);
    assert.throws(() => encodeHelloFields({ ...hello, nonce: new Uint8Array(31) }), InvalidValueError);
    assert.throws(() => encodeHelloFields({ ...hello, peerId: 'xx' as typeof hello.peerId }), InvalidValueError);
  });
});
