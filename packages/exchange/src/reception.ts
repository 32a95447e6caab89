import type { Bitfield, PieceIndex } from '@shoal/core';
import { PieceHasher } from '@shoal/store';

/** The blob that pieces are written into; store's CachedBlob is one. */
export interface PieceSink {
  /** Verified pieces. */
  readonly have: Bitfield;
  writeSync(bytes: Uint8Array, position: number): void;
  markPiece(index: PieceIndex): void;
}

/** One copy of one piece as it arrives from one source: bytes in order, hashed as they land. Offsets are in the blob. */
export class Reception {
  readonly source: number;
  readonly piece: PieceIndex;
  readonly offset: number;
  readonly length: number;
  readonly #sink: PieceSink;
  #hasher = new PieceHasher();
  #received = 0;
  #told = 0;
  #into: 'nowhere' | 'file' | 'buffer' = 'nowhere';
  #buffer: Uint8Array | undefined;

  constructor(source: number, piece: PieceIndex, span: { offset: number; length: number }, sink: PieceSink) {
    this.source = source;
    this.piece = piece;
    this.offset = span.offset;
    this.length = span.length;
    this.#sink = sink;
  }

  get received(): number {
    return this.#received;
  }

  /** Its first bytes have come and it has a place for them. */
  get open(): boolean {
    return this.#into !== 'nowhere';
  }

  get full(): boolean {
    return this.#received === this.length;
  }

  /** This reception is the one writer of its range of the file. */
  openFile(): void {
    this.#into = 'file';
  }

  openBuffer(): void {
    this.#buffer = Buffer.allocUnsafeSlow(this.length);
    this.#into = 'buffer';
  }

  /** False when the reception was closed in the meantime. @throws what the sink throws, such as StoreFullError */
  update(bytes: Uint8Array): boolean {
    if (this.#into === 'file') this.#sink.writeSync(bytes, this.offset + this.#received);
    else if (this.#buffer) this.#buffer.set(bytes, this.#received);
    else return false;
    this.#hasher.update(bytes);
    this.#received += bytes.length;
    return true;
  }

  /** Bytes that came since it was asked the last time. */
  untold(): number {
    const bytes = this.#received - this.#told;
    this.#told = this.#received;
    return bytes;
  }

  /** Begins again at the first byte: the source sends the piece anew. */
  restart(): void {
    this.#hasher = new PieceHasher();
    this.#received = 0;
    this.#told = 0;
  }

  matches(hash: Uint8Array): boolean {
    return this.full && Buffer.compare(this.#hasher.finish(), hash) === 0;
  }

  /** Writes the private buffer into the file; the former writer is closed by now. */
  flush(): void {
    if (this.#buffer) this.#sink.writeSync(this.#buffer, this.offset);
  }

  /** Takes no more bytes. Answers the length of the private buffer that is free now. */
  close(): number {
    const freed = this.#buffer?.length ?? 0;
    this.#buffer = undefined;
    this.#into = 'nowhere';
    return freed;
  }
}
