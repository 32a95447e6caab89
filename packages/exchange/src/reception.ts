import type { Bitfield, PieceIndex } from '@shoal/core';
import { PieceHasher } from '@shoal/store';
import type { Route } from '@shoal/transport';

/** The blob that pieces are written into; store's CachedBlob is one. */
export interface PieceSink {
  /** Verified pieces. */
  readonly have: Bitfield;
  /** The blob's file, open for writing as long as pieces come; without it every byte goes through `writeSync`. */
  readonly fd?: number;
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
  #route: Route | undefined;
  /** Of the whole piece, when it came by the route. */
  #digest: Uint8Array | undefined;

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

  /** It has a place for its bytes. */
  get open(): boolean {
    return this.#into !== 'nowhere';
  }

  get full(): boolean {
    return this.#received === this.length;
  }

  /** This reception is the one writer of its range of the file: with a route before its first bytes come, and not from here. */
  openFile(route?: Route): void {
    this.#into = 'file';
    this.#route = route;
  }

  get route(): Route | undefined {
    return this.#route;
  }

  /** The route has written these bytes. `digest` with the last ones. */
  landed(bytes: number, digest: Uint8Array | undefined): void {
    this.#received += bytes;
    this.#digest = digest;
  }

  /** Bytes of it come here from now on. */
  closeRoute(): void {
    this.#route?.close();
    this.#route = undefined;
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
    this.#digest = undefined;
    this.#received = 0;
    this.#told = 0;
  }

  matches(hash: Uint8Array): boolean {
    return this.full && Buffer.compare(this.#digest ?? this.#hasher.finish(), hash) === 0;
  }

  /** Writes the private buffer into the file; the former writer is closed by now. */
  flush(): void {
    if (this.#buffer) this.#sink.writeSync(this.#buffer, this.offset);
  }

  /** Takes no more bytes. Answers the length of the private buffer that is free now. */
  close(): number {
    const freed = this.#buffer?.length ?? 0;
    this.closeRoute();
    this.#buffer = undefined;
    this.#into = 'nowhere';
    return freed;
  }
}
