import { type Codec, type Codecs, type MessageOf, NameTable } from './codec.ts';
import { reasonBytesMax, recordBytesMax } from './limits.ts';
import type { Ping, Pong, RecordKind } from './messages.ts';

const recordKinds = new NameTable<RecordKind>('kind', ['metainfo', 'tag', 'blob']);

/** A digest of sha512 has 135 characters, a tag up to 128. */
const keyBytesMax = 160;
/** As core's repositoryNameLengthMax: repository names are ASCII. */
const repositoryBytesMax = 255;

const beatCodec = <T extends (Ping | Pong)['type']>(type: T, code: number): Codec<T> => ({
  code,
  bytesMax: 4,
  write: (out, message) => out.u32((message as Ping | Pong).nonce, 'nonce'),
  read: (input) => ({ type, nonce: input.u32('nonce') }) as MessageOf<T>,
});

/** Small content by name, and signs of life. */
export const recordCodecs: Codecs<'getRecord' | 'record' | 'noRecord' | 'ping' | 'pong'> = {
  getRecord: {
    code: 32,
    bytesMax: 4 + 1 + 2 + keyBytesMax + 2 + repositoryBytesMax,
    write(out, { id, kind, key, repository }) {
      out.u32(id, 'id');
      recordKinds.write(out, kind);
      out.text(key, 'key', keyBytesMax);
      out.text(repository, 'repository', repositoryBytesMax);
    },
    read: (input) => ({
      type: 'getRecord',
      id: input.u32('id'),
      kind: recordKinds.read(input),
      key: input.text('key', keyBytesMax),
      repository: input.text('repository', repositoryBytesMax),
    }),
  },
  record: {
    code: 33,
    bytesMax: 4 + recordBytesMax,
    write(out, { id, bytes }) {
      out.u32(id, 'id');
      out.bytes(bytes);
    },
    read: (input) => ({ type: 'record', id: input.u32('id'), bytes: input.bytes(input.remaining, 'bytes') }),
  },
  noRecord: {
    code: 34,
    bytesMax: 4 + 2 + reasonBytesMax,
    write(out, { id, reason }) {
      out.u32(id, 'id');
      out.text(reason, 'reason', reasonBytesMax);
    },
    read: (input) => ({ type: 'noRecord', id: input.u32('id'), reason: input.text('reason', reasonBytesMax) }),
  },
  ping: beatCodec('ping', 40),
  pong: beatCodec('pong', 41),
};
