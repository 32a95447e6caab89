import { setTimeout } from 'node:timers/promises';
import { OciError, pieceSpan, ShoalError, type SignedMetainfo } from '@shoal/core';
import type { BlobSource } from '@shoal/registry';
import { PieceHasher } from '@shoal/store';
import type { Origins } from '../origin/origins.ts';
import { fetchPiece } from './http-pieces.ts';

export interface PassThroughOptions {
  readonly origins: Pick<Origins, 'ask'>;
  /** Requests served past the cache at once. */
  readonly openMax: number;
  readonly events: { received(source: 'http', bytes: number): void; pieceCorrupt(from: string, piece: number): void };
}

/** Serves blobs that the cache has no room for: from an origin, piece by piece, each verified before it is passed on. */
export class PassThroughs {
  readonly #o: PassThroughOptions;
  #open = 0;

  constructor(o: PassThroughOptions) {
    this.#o = o;
  }

  /** @throws ShoalError OVERLOADED (503): each holds a piece in memory, so their number is bounded */
  open(signed: SignedMetainfo, repository: string): BlobSource {
    if (this.#open >= this.#o.openMax) {
      throw new ShoalError(
        'OVERLOADED',
        503,
        `${this.#o.openMax} requests are served past the full cache already (limits.passThroughsMax)`,
      );
    }
    this.#open++;
    return new PassThrough(this.#o, signed, repository, () => this.#open--);
  }
}

class PassThrough implements BlobSource {
  readonly size: number;
  readonly #o: PassThroughOptions;
  readonly #signed: SignedMetainfo;
  readonly #repository: string;
  readonly #closed: () => void;
  readonly #buffer: Buffer;
  /** The piece in the buffer, verified. */
  #piece: number | undefined;

  constructor(o: PassThroughOptions, signed: SignedMetainfo, repository: string, closed: () => void) {
    const { size, pieceLength } = signed.metainfo;
    this.size = size;
    this.#o = o;
    this.#signed = signed;
    this.#repository = repository;
    this.#closed = closed;
    this.#buffer = Buffer.allocUnsafeSlow(Math.min(size, pieceLength));
  }

  readInto(buffer: Uint8Array, position: number): number {
    const { pieceLength } = this.#signed.metainfo;
    if (this.#piece !== Math.floor(position / pieceLength)) return 0;
    const { offset, length } = this.#span(this.#piece);
    return this.#buffer.copy(buffer, 0, position - offset, length);
  }

  async waitFor(offset: number, signal: AbortSignal): Promise<void> {
    const { metainfo } = this.#signed;
    const piece = Math.floor(offset / metainfo.pieceLength);
    if (piece === this.#piece) return;
    this.#piece = undefined;
    let hasher = new PieceHasher();
    let received = 0;
    const take = (bytes: Uint8Array): void => {
      this.#buffer.set(bytes, received);
      hasher.update(bytes);
      received += bytes.length;
    };
    const fetch = () => fetchPiece(this.#o.origins, { metainfo, repository: this.#repository, piece }, take, signal);
    let answer = await fetch();
    // Nobody but the origins can help; how long a client waits is bounded by the signal.
    while (answer.kind === 'unreachable' && answer.retryAfterMs !== undefined) {
      await setTimeout(answer.retryAfterMs, undefined, { signal });
      hasher = new PieceHasher();
      received = 0;
      answer = await fetch();
    }
    if (answer.kind === 'absent')
      throw new OciError('BLOB_UNKNOWN', `${metainfo.digest} is not known at the origin any more`);
    if (answer.kind === 'unreachable')
      throw new ShoalError('UNAVAILABLE', 503, `${metainfo.digest}: no origin answered: ${answer.reason}`);
    if (Buffer.compare(hasher.finish(), metainfo.pieceHashes[piece] ?? Buffer.alloc(0)) !== 0) {
      this.#o.events.pieceCorrupt(answer.origin, piece);
      throw new ShoalError(
        'UNAVAILABLE',
        503,
        `${metainfo.digest}: piece ${piece} of ${answer.origin} does not match its hash`,
      );
    }
    this.#o.events.received('http', received);
    this.#piece = piece;
  }

  close(): void {
    this.#closed();
  }

  #span(piece: number): { offset: number; length: number } {
    return pieceSpan(this.size, this.#signed.metainfo.pieceLength, piece);
  }
}
