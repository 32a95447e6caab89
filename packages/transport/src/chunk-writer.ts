import { dataHeaderBytes, encodeDataHeader } from '@shoal/protocol';
import { giveChunk, takeChunk } from './chunk-pool.ts';
import type { Connection } from './connection.ts';
import type { Log } from './log.ts';
import type { Transfer } from './uplink.ts';

/** What a writer needs of a connection. */
export type Wire = Pick<Connection, 'write'> & Partial<Pick<Connection, 'sendFile'>>;

/** After so many heads in a row that nothing of a file followed, though the socket had room, sendfile(2) is not tried again. */
const refusalsMax = 3;

/**
 * `taken`: the kernel has all of the chunk. `waits`: `done` says when, never from inside. `unreadable`: the transfer
 * cannot go on, and nothing of the chunk was sent. `spoiled`: the same, but it had begun, so zeros stand for what cannot be
 * read; `done` says when they are gone.
 */
export type ChunkOutcome = 'taken' | 'waits' | 'unreadable' | 'spoiled';

/**
 * Puts chunks of transfers on a connection, each a DATA frame in one go: from their file by sendfile(2) as far as the
 * socket takes them, and by read and write what is left, or all of it.
 */
export class ChunkWriter {
  readonly #wire: Wire;
  readonly #log: Log;
  /** Not on the heap of V8, which moves small arrays about. */
  readonly #head = new Uint8Array(new ArrayBuffer(dataHeaderBytes));
  #refusals = 0;

  constructor(wire: Wire, log: Log) {
    this.#wire = wire;
    this.#log = log;
  }

  get direct(): boolean {
    return this.#wire.sendFile !== undefined && this.#refusals < refusalsMax;
  }

  /** `offset` in the blob and `length` in bytes, as DATA carries them. */
  write(transfer: Transfer, offset: number, length: number, done: (ok: boolean) => void): ChunkOutcome {
    const header = { channel: transfer.channel, piece: transfer.piece, offset, length };
    const sent = this.#sendDirectly(transfer, header);
    const bytes = dataHeaderBytes + length;
    if (sent === bytes) return 'taken';
    const chunk = takeChunk();
    const from = Math.max(sent, dataHeaderBytes);
    const rest = chunk.subarray(from, bytes);
    const isWhole = this.#fill(transfer, rest, offset + from - dataHeaderBytes);
    if (!isWhole && sent === 0) {
      giveChunk(chunk);
      return 'unreadable';
    }
    // A frame that has begun is brought to its end: the connection carries other transfers, too.
    if (!isWhole) rest.fill(0);
    if (sent < dataHeaderBytes) encodeDataHeader(header, chunk);
    this.#wire.write(chunk.subarray(sent, bytes), (ok) => {
      giveChunk(chunk);
      done(ok);
    });
    return isWhole ? 'waits' : 'spoiled';
  }

  /** Header and payload, as far as the socket takes them; answers the bytes that it took. */
  #sendDirectly(
    { reader }: Transfer,
    header: { channel: number; piece: number; offset: number; length: number },
  ): number {
    const { sendFile } = this.#wire;
    if (!sendFile || !this.direct) return 0;
    try {
      const { fd } = reader;
      if (fd === undefined || fd < 0) return 0;
      encodeDataHeader(header, this.#head);
      const sent = sendFile(this.#head, fd, header.offset, header.length);
      if (sent > 0) this.#refusals = sent === dataHeaderBytes ? this.#refusals + 1 : 0;
      return sent;
    } catch {
      // To read it will fail as well, and say why.
      return 0;
    }
  }

  /** A read that fails or comes up short ends the transfer, never the process: the blob may have been evicted. */
  #fill({ reader, channel, piece }: Transfer, payload: Uint8Array, position: number): boolean {
    try {
      const count = reader.readInto(payload, position);
      if (count === payload.length) return true;
      this.#log.warn({ channel, piece, position, count, wanted: payload.length }, 'a piece ends early on disk');
    } catch (error) {
      this.#log.warn({ channel, piece, position, err: error }, 'a piece cannot be read');
    }
    return false;
  }
}
