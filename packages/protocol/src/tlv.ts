import { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';

/** One field of HELLO: `kind` u8, length u16, value. */
export interface Tlv {
  readonly kind: number;
  readonly value: Uint8Array;
}

export const writeTlv = (out: ByteWriter, { kind, value }: Tlv): void => {
  out.u8(kind, 'field kind');
  out.u16(value.length, 'field length');
  out.bytes(value);
};

/** @throws ProtocolError */
export const readTlv = (input: ByteReader): Tlv => {
  const kind = input.u8('field kind');
  const length = input.u16(`length of field ${kind}`);
  return { kind, value: input.bytes(length, `field ${kind}`) };
};
