import { InvalidValueError } from '@shoal/core';
import type { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { hashBytes } from './limits.ts';
import type { Credential, Hello } from './messages.ts';
import { readTlv, type Tlv, writeTlv } from './tlv.ts';

/** The kind of HELLO's CREDENTIAL field: the last one, so that what it proves is all bytes before it. */
export const credentialField = 0xff;

/** Certificates of a few hops would not fit: the TLS layer carries them, this field only refers to them. */
export const credentialBytesMax = 1024;

const kinds = { hmac: 1, certificate: 2 } as const;

export const writeCredential = (out: ByteWriter, { kind, bytes }: Credential): void => {
  if (!lengthFits(kind, bytes.length)) throw new InvalidValueError('credential', `${bytes.length} bytes`, allowed);
  const value = new ByteWriter(new Uint8Array(1 + bytes.length));
  value.u8(kinds[kind], 'credential kind');
  value.bytes(bytes);
  writeTlv(out, { kind: credentialField, value: value.finish() });
};

/** Splits HELLO's body into the bytes that a proof covers and the credential. @throws ProtocolError */
export const readCredential = (input: ByteReader): Hello => {
  const signed = new ByteWriter(new Uint8Array(256));
  let credential: Credential | undefined;
  while (input.remaining > 0) {
    const field = readTlv(input);
    if (field.kind !== credentialField) {
      writeTlv(signed, field);
      continue;
    }
    if (input.remaining > 0) input.fail(`${input.remaining} bytes after the credential`);
    credential = parse(field, input);
  }
  return { type: 'hello', signed: signed.finish(), ...(credential && { credential }) };
};

const parse = ({ value }: Tlv, input: ByteReader): Credential => {
  const kind = value[0] === kinds.hmac ? 'hmac' : value[0] === kinds.certificate ? 'certificate' : undefined;
  if (!kind) return input.fail(`credential kind ${value[0] ?? 'none'} is unknown`);
  const bytes = value.subarray(1);
  if (!lengthFits(kind, bytes.length)) input.fail(`credential of ${bytes.length} bytes; ${allowed}`);
  return { kind, bytes };
};

const lengthFits = (kind: Credential['kind'], length: number): boolean =>
  kind === 'hmac' ? length === hashBytes : length <= credentialBytesMax;

const allowed = `allowed are ${hashBytes} bytes (hmac) or up to ${credentialBytesMax} (certificate)`;
