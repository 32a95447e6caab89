import {
  Bitfield,
  leafLength,
  parsePeerId,
  parseSwarmId,
  pieceCountOf,
  type PeerId,
  type PieceIndex,
  type SwarmId,
} from '@shoal/core';
import fc from 'fast-check';
import type { HelloFields } from '../hello.ts';
import { hashBytes, pieceCountMax, reasonBytesMax } from '../limits.ts';
import type { DataHeader, Have, Join, Message, MessageType } from '../messages.ts';

/* Every message of the grammar, and nothing that is not one. */

/** deepEqual tells null prototypes from plain objects. */
const plain = <T extends object>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true }) as unknown as fc.Arbitrary<T>;

const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const u64 = fc.maxSafeNat();
const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });
const hash = bytes(hashBytes);
const piece: fc.Arbitrary<PieceIndex> = fc.integer({ min: 0, max: pieceCountMax - 1 });
const reason = fc.string({ unit: 'binary', maxLength: reasonBytesMax / 4 });
const text = (maxLength: number): fc.Arbitrary<string> => fc.string({ unit: 'grapheme-ascii', maxLength });
const visible = (minLength: number): fc.Arbitrary<string> =>
  fc.stringMatching(/^[\x21-\x7e]*$/, { maxLength: 64 }).filter((value) => value.length >= minLength);
const swarm: fc.Arbitrary<SwarmId> = hash.map((value) => parseSwarmId(value.toHex()));
const peerId: fc.Arbitrary<PeerId> = bytes(20).map((value) => parsePeerId(value.toHex()));

const bitfield = (pieces: number): fc.Arbitrary<Uint8Array> =>
  fc.uniqueArray(fc.integer({ min: 0, max: Math.max(0, pieces - 1) })).map((indices) => {
    const field = new Bitfield(pieces);
    for (const index of indices) if (index < pieces) field.set(index);
    return field.toBytes();
  });

const join: fc.Arbitrary<Join> = fc
  .record({ size: fc.integer({ min: 0, max: 1000 * leafLength }), power: fc.integer({ min: 0, max: 12 }) })
  .chain(({ size, power }) => {
    const pieceLength = leafLength * 2 ** power;
    const have = fc.oneof<fc.Arbitrary<Have>[]>(
      fc.constant('all'),
      fc.constant('none'),
      bitfield(pieceCountOf(size, pieceLength)),
    );
    return plain({
      type: fc.constant('join'),
      channel: u32,
      swarm,
      size: fc.constant(size),
      pieceLength: fc.constant(pieceLength),
      have,
    });
  });

const one = <T extends string, R extends object>(
  type: T,
  fields: { [K in keyof R]: fc.Arbitrary<R[K]> },
): fc.Arbitrary<{ type: T } & R> => plain(fields).map((rest) => ({ type, ...rest }));

export const helloFields: fc.Arbitrary<HelloFields> = plain({
  version: u16,
  connection: fc.constantFrom('control', 'data'),
  clusterId: visible(1),
  peerId,
  incarnation: u64,
  role: fc.constantFrom('agent', 'origin'),
  zone: visible(0),
  address: fc.constantFrom('10.0.0.1:7021', '[2001:db8::1]:7021', 'node-1.example:1', '[fe80::1%eth0]:65535'),
  nonce: hash,
  duplicate: fc.boolean(),
});

/** Fields of HELLO as a peer of a later version might send them: kinds that nobody here knows. */
const unknownFields = fc
  .array(plain({ kind: fc.integer({ min: 64, max: 254 }), value: fc.uint8Array({ maxLength: 40 }) }), {
    maxLength: 4,
  })
  .map((fields) =>
    Uint8Array.from(fields.flatMap(({ kind, value }) => [kind, value.length >> 8, value.length & 0xff, ...value])),
  );

export const messages: { readonly [T in MessageType]: fc.Arbitrary<Extract<Message, { type: T }>> } = {
  challenge: fc
    .tuple(u16, u16, hash)
    .map(([a, b, nonce]) => ({ type: 'challenge', versionMin: Math.min(a, b), versionMax: Math.max(a, b), nonce })),
  hello: fc.oneof(
    one('hello', { signed: unknownFields }),
    one('hello', { signed: unknownFields, credential: plain({ kind: fc.constant('hmac' as const), bytes: hash }) }),
    one('hello', {
      signed: unknownFields,
      credential: plain({ kind: fc.constant('certificate' as const), bytes: fc.uint8Array({ maxLength: 90 }) }),
    }),
  ),
  ready: fc.constant({ type: 'ready' }),
  error: one('error', { code: fc.constantFrom('protocol', 'version', 'cluster', 'closing', 'stale'), reason }),
  join,
  leave: one('leave', { channel: u32 }),
  noSwarm: one('noSwarm', { swarm, reason }),
  have: one('have', { channel: u32, piece, queueLength: u32 }),
  request: one('request', { channel: u32, piece }),
  cancel: one('cancel', { channel: u32, piece }),
  reject: one('reject', { channel: u32, piece, reason: fc.constantFrom('gone', 'overloaded', 'unknown', 'notHeld') }),
  wantAny: fc.oneof(
    one('wantAny', { channel: u32, haveDelta: fc.array(piece) }),
    one('wantAny', { channel: u32, haveDelta: fc.array(piece), prefer: fc.array(piece, { minLength: 1 }) }),
  ),
  offer: one('offer', { channel: u32, piece }),
  refuse: one('refuse', { channel: u32 }),
  hashes: one('hashes', { channel: u32, first: piece, hashes: fc.array(hash) }),
  getRecord: one('getRecord', {
    id: u32,
    kind: fc.constantFrom('metainfo', 'tag', 'blob'),
    key: text(160),
    repository: text(255),
  }),
  record: one('record', { id: u32, bytes: fc.uint8Array({ maxLength: 4000 }) }),
  noRecord: one('noRecord', { id: u32, reason }),
  ping: one('ping', { nonce: u32 }),
  pong: one('pong', { nonce: u32 }),
};

export const dataHeader = (payloadMax: number): fc.Arbitrary<DataHeader> =>
  plain({ channel: u32, piece, offset: u64, length: fc.integer({ min: 0, max: payloadMax }) });
