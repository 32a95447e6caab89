import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Hello } from '@shoal/protocol';
import { freshNonce, Proofs } from './proof.ts';

const nonce = new Uint8Array(32).fill(1);
const signed = Uint8Array.of(1, 2, 3);

suite('Proofs', () => {
  test('the HMAC is that of the contract', () => {
    // printf 'shoal-tcp-dial-v1' + 32 x 01 + 010203 | openssl dgst -sha256 -hmac key
    const { bytes } = new Proofs('key').prove('shoal-tcp-dial-v1', nonce, signed)!;
    assert.equal(bytes.toHex(), '8a8073c39b2796983a564092ef71a77ceb4ef384b49543742cff089073ac855e');
  });

  test('a proof holds for its secret, label, nonce and bytes only', () => {
    const proofs = new Proofs('key');
    const credential = proofs.prove('shoal-tcp-dial-v1', nonce, signed)!;
    const hello: Hello = { type: 'hello', signed, credential };
    assert.equal(proofs.flaw('shoal-tcp-dial-v1', nonce, hello), undefined);
    assert.match(new Proofs('other').flaw('shoal-tcp-dial-v1', nonce, hello)!, /wrong/);
    assert.match(proofs.flaw('shoal-tcp-listen-v1', nonce, hello)!, /wrong/);
    assert.match(proofs.flaw('shoal-tcp-dial-v1', freshNonce(), hello)!, /wrong/);
    assert.match(proofs.flaw('shoal-tcp-dial-v1', nonce, { ...hello, signed: Uint8Array.of(1, 2, 4) })!, /wrong/);
  });

  test('a certificate is not taken for a proof of the secret', () => {
    const hello: Hello = { type: 'hello', signed, credential: { kind: 'certificate', bytes: new Uint8Array(32) } };
    assert.match(new Proofs('key').flaw('shoal-tcp-dial-v1', nonce, hello)!, /certificate is not accepted/);
    assert.match(new Proofs(undefined).flaw('shoal-tcp-dial-v1', nonce, hello)!, /none is configured/);
  });

  test('nonces differ', () => assert.notDeepEqual(freshNonce(), freshNonce()));
});
