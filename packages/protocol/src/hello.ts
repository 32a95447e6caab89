import { formatAddress, InvalidValueError, parseAddress, parsePeerId, ShoalError, type PeerId } from '@shoal/core';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { NameTable } from './codec.ts';
import { hashBytes } from './limits.ts';
import { readTlv, writeTlv } from './tlv.ts';

export type PeerRole = 'origin' | 'agent';

export type ConnectionKind = 'control' | 'data';

/** The fields of HELLO that a proof covers. */
export interface HelloFields {
  readonly version: number;
  readonly connection: ConnectionKind;
  /** 1 to 64 visible ASCII characters. */
  readonly clusterId: string;
  readonly peerId: PeerId;
  /** Grows with every start of the process, so that a restarted peer replaces its dead self. */
  readonly incarnation: number;
  readonly role: PeerRole;
  /** Up to 64 visible ASCII characters; empty without zones. */
  readonly zone: string;
  /** The advertised `host:port` of the sender's piece listener. */
  readonly address: string;
  /** 32 random bytes, fresh for each connection: what the other side's proof covers. */
  readonly nonce: Uint8Array;
  /** The listener already has a control connection with this dialer: this one is not used. */
  readonly duplicate: boolean;
}

interface Field<V> {
  readonly kind: number;
  write(out: ByteWriter, value: V): void;
  read(input: ByteReader): V;
}

const connections = new NameTable<ConnectionKind>('connection', ['control', 'data']);
const roles = new NameTable<PeerRole>('role', ['agent', 'origin']);

const asciiField = (kind: number, field: string, lengthMin: number): Field<string> => {
  const pattern = new RegExp(`^[\\x21-\\x7e]{${lengthMin},64}$`);
  return {
    kind,
    write: (out, value) => {
      if (!pattern.test(value))
        throw new InvalidValueError(field, value, `allowed are ${lengthMin} to 64 visible ASCII characters`);
      out.text(value, field, 64);
    },
    read: (input) => {
      const value = input.text(field, 64);
      return pattern.test(value) ? value : input.fail(`${field} is not ${lengthMin} to 64 visible ASCII characters`);
    },
  };
};

/** The kinds are the wire's; a kind that is not here is skipped, so that later versions can add some. */
const fields: { readonly [K in keyof HelloFields]: Field<HelloFields[K]> } = {
  version: { kind: 1, write: (out, value) => out.u16(value, 'version'), read: (input) => input.u16('version') },
  connection: {
    kind: 2,
    write: (out, value) => connections.write(out, value),
    read: (input) => connections.read(input),
  },
  clusterId: asciiField(3, 'clusterId', 1),
  peerId: {
    kind: 4,
    write: (out, value) => out.fixed(Uint8Array.fromHex(parsePeerId(value)), 20, 'peerId'),
    read: (input) => parsePeerId(input.bytes(20, 'peerId').toHex()),
  },
  incarnation: {
    kind: 5,
    write: (out, value) => out.u64(value, 'incarnation'),
    read: (input) => input.u64('incarnation'),
  },
  role: { kind: 6, write: (out, value) => roles.write(out, value), read: (input) => roles.read(input) },
  zone: asciiField(7, 'zone', 0),
  address: {
    kind: 8,
    write: (out, value) => out.text(formatAddress(parseAddress(value)), 'address', addressBytesMax),
    read: (input) => formatAddress(addressFrom(input)),
  },
  nonce: {
    kind: 9,
    write: (out, value) => out.fixed(value, hashBytes, 'nonce'),
    read: (input) => input.bytes(hashBytes, 'nonce'),
  },
  duplicate: {
    kind: 10,
    write: (out, value) => out.u8(value ? 1 : 0, 'duplicate'),
    read: (input) => input.u8('duplicate', 1) === 1,
  },
};

const addressBytesMax = 262;

const addressFrom = (input: ByteReader): ReturnType<typeof parseAddress> => {
  const raw = input.text('address', addressBytesMax);
  try {
    return parseAddress(raw);
  } catch (error) {
    return input.fail(error instanceof ShoalError ? error.message : 'address');
  }
};

const names = Object.keys(fields) as (keyof HelloFields)[];
const nameOf = new Map(names.map((name) => [fields[name].kind, name]));

/** @throws InvalidValueError */
export const encodeHelloFields = (hello: HelloFields): Uint8Array => {
  const out = new ByteWriter(new Uint8Array(256));
  for (const name of names) writeField(out, name, hello);
  return out.finish();
};

/** @throws ProtocolError: a field is missing, twice there, or out of its bounds */
export const decodeHelloFields = (signed: Uint8Array): HelloFields => {
  const input = new ByteReader('HELLO', signed);
  const found: Partial<Record<keyof HelloFields, unknown>> = {};
  while (input.remaining > 0) {
    const { kind, value } = readTlv(input);
    const name = nameOf.get(kind);
    if (!name) continue;
    if (name in found) input.fail(`${name} is there twice`);
    const inside = new ByteReader('HELLO', value);
    found[name] = fields[name].read(inside);
    inside.end();
  }
  for (const name of names) if (!(name in found)) input.fail(`${name} is missing`);
  return found as unknown as HelloFields;
};

const writeField = <K extends keyof HelloFields>(out: ByteWriter, name: K, hello: HelloFields): void => {
  const value = new ByteWriter();
  fields[name].write(value, hello[name]);
  writeTlv(out, { kind: fields[name].kind, value: value.finish() });
};
