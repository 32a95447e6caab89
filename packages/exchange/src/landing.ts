import { type BlobCut, type PieceIndex, pieceSpan } from '@shoal/core';
import type { DataHeader } from '@shoal/protocol';
import type { Landed, Route, RouteSpan } from '@shoal/transport';
import type { ByteBudget } from './byte-budget.ts';
import { Reception } from './reception.ts';
import type { PieceSink } from './reception.ts';

export interface LandingOptions {
  readonly metainfo: BlobCut;
  readonly sink: PieceSink;
  /** Bounds the buffers of second copies over all downloads. */
  readonly budget: ByteBudget;
}

/** The range of a file that a piece belongs in. */
export type FileSpan = Omit<RouteSpan, 'channel'>;

/**
 * Where the bytes of one download come down. Of several receptions of a piece the first to get bytes writes into the
 * file; the others fill private buffers, so that a range of the file has one writer at any time.
 */
export class Landing {
  readonly #options: LandingOptions;
  readonly #bySource = new Map<number, Map<PieceIndex, Reception>>();
  readonly #writers = new Map<PieceIndex, Reception>();

  constructor(options: LandingOptions) {
    this.#options = options;
  }

  /**
   * Bytes of this piece from this source are welcome from now on.
   * @param routed makes the piece a way into the file of the sink that does not lead through here, if it can
   */
  expect(source: number, piece: PieceIndex, routed?: (span: FileSpan) => Route | undefined): Reception {
    const existing = this.#bySource.get(source)?.get(piece);
    if (existing) return existing;
    const { metainfo, sink } = this.#options;
    const reception = new Reception(source, piece, pieceSpan(metainfo.size, metainfo.pieceLength, piece), sink);
    const pieces = this.#bySource.get(source) ?? new Map<PieceIndex, Reception>();
    this.#bySource.set(source, pieces.set(piece, reception));
    const fd = routed && !this.#writers.has(piece) ? sink.fd : undefined;
    const route = fd === undefined ? undefined : routed?.(fileSpan(reception, fd));
    if (route) {
      this.#writers.set(piece, reception);
      reception.openFile(route);
    }
    return reception;
  }

  /** The reception that this part of the piece has landed in by its route; undefined when it has another by now. */
  landed(source: number, { header, route, digest }: Landed): Reception | undefined {
    const reception = this.#bySource.get(source)?.get(header.piece);
    if (reception?.route !== route) return undefined;
    if (header.offset === reception.offset && reception.received > 0) reception.restart();
    reception.landed(header.length, digest);
    return reception;
  }

  expects(source: number, piece: PieceIndex): boolean {
    return this.#bySource.get(source)?.has(piece) ?? false;
  }

  /** Pieces that are to come from this source. */
  expected(source: number): number {
    return this.#bySource.get(source)?.size ?? 0;
  }

  /** Whether a transfer of the piece from this source is under way and `offset`, in the blob, is where it stands. */
  isAt(source: number, piece: PieceIndex, offset: number): boolean {
    const reception = this.#bySource.get(source)?.get(piece);
    return reception !== undefined && reception.received > 0 && offset === reception.offset + reception.received;
  }

  /**
   * The reception that the payload of a DATA frame belongs to. Undefined: nobody waits for these bytes, or they are
   * the rest of a transfer that was cancelled and asked for again. `noRoom`: a second copy for which there is no buffer.
   */
  begin(source: number, { piece, offset, length }: DataHeader): Reception | 'noRoom' | undefined {
    const reception = this.#bySource.get(source)?.get(piece);
    if (!reception || this.#options.sink.have.has(piece)) return undefined;
    if (reception.route) {
      // Its first bytes have overtaken the word of the route. What follows others of a route cannot be hashed here.
      if (offset !== reception.offset) return undefined;
      reception.closeRoute();
    }
    if (offset === reception.offset && reception.received > 0) reception.restart();
    if (offset !== reception.offset + reception.received || reception.received + length > reception.length)
      return undefined;
    return reception.open || this.#open(reception) ? reception : 'noRoom';
  }

  /**
   * Judges a reception that has all its bytes. Verified: the piece is in the file and marked, and every other reception
   * of it is dropped. Corrupt: the reception is dropped and the range is free.
   */
  settle(reception: Reception): 'verified' | 'corrupt' {
    const expected = this.#options.metainfo.pieceHashes[reception.piece];
    if (!expected || !reception.matches(expected)) {
      this.drop(reception.source, reception.piece);
      return 'corrupt';
    }
    const writer = this.#writers.get(reception.piece);
    if (writer && writer !== reception) this.drop(writer.source, writer.piece);
    reception.flush();
    this.#options.sink.markPiece(reception.piece);
    for (const source of [...this.#bySource.keys()]) this.drop(source, reception.piece);
    return 'verified';
  }

  /** Receptions of the piece, from neighbours, that have all their bytes: they wait for its hash. */
  waiting(piece: PieceIndex): Reception[] {
    return [...this.#bySource.values()].flatMap((pieces) => {
      const reception = pieces.get(piece);
      return reception?.open && reception.full ? reception : [];
    });
  }

  /** Those that have begun and those that are still to come. */
  receptions(): Reception[] {
    return [...this.#bySource.values()].flatMap((pieces) => [...pieces.values()]);
  }

  /** Settles what has all its bytes. False: there is no such reception, it is short, or corrupt. */
  settleFull(source: number, piece: PieceIndex): boolean {
    const reception = this.#bySource.get(source)?.get(piece);
    return reception?.full === true && this.settle(reception) === 'verified';
  }

  drop(source: number, piece: PieceIndex): void {
    const pieces = this.#bySource.get(source);
    const reception = pieces?.get(piece);
    if (!pieces || !reception) return;
    pieces.delete(piece);
    if (pieces.size === 0) this.#bySource.delete(source);
    if (this.#writers.get(piece) === reception) this.#writers.delete(piece);
    this.#options.budget.give(reception.close());
  }

  dropSource(source: number): void {
    for (const piece of this.#bySource.get(source)?.keys() ?? []) this.drop(source, piece);
  }

  clear(): void {
    for (const source of [...this.#bySource.keys()]) this.dropSource(source);
  }

  #open(reception: Reception): boolean {
    if (!this.#writers.has(reception.piece)) {
      this.#writers.set(reception.piece, reception);
      reception.openFile();
      return true;
    }
    if (!this.#options.budget.take(reception.length)) return false;
    reception.openBuffer();
    return true;
  }
}

const fileSpan = ({ piece, offset, length }: Reception, fd: number): FileSpan => ({ piece, offset, length, fd });
