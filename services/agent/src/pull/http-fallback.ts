import type { BlobCut } from '@shoal/core';
import type { Download } from '@shoal/exchange';
import type { Origins } from '../origin/origins.ts';
import { fetchPiece } from './http-pieces.ts';

/** Pieces of one blob fetched by HTTP at once. */
const parallelMax = 2;

export interface HttpFallbackOptions {
  readonly download: Pick<Download, 'claimMissing' | 'deliverBytes' | 'delivered' | 'released'>;
  readonly origins: Pick<Origins, 'ask'>;
  readonly metainfo: BlobCut;
  readonly repository: string;
  readonly clock: () => number;
  /** From 0 to 1, this download's among those of its neighbours: they do not come back to a busy origin at once. */
  readonly lot: number;
  readonly events: { pieceCorrupt(from: string, piece: number): void };
  /** The blob cannot be written. */
  readonly failed: (error: unknown) => void;
}

/** The last rung of the ladder: claims pieces that the swarm does not deliver and fetches them from an origin. */
export class HttpFallback {
  readonly #o: HttpFallbackOptions;
  readonly #stop = new AbortController();
  #workers = 0;
  #mode: 'off' | 'missing' | 'any' = 'off';
  #failedMs: number | undefined;
  #busyUntilMs: number | undefined;

  constructor(o: HttpFallbackOptions) {
    this.#o = o;
  }

  /** When every origin last failed; undefined once one delivered again. */
  get failedMs(): number | undefined {
    return this.#failedMs;
  }

  /** Until when the origins, which are well, want to be left alone; undefined once one delivered again. */
  get busyUntilMs(): number | undefined {
    return this.#busyUntilMs;
  }

  /** `missing`: only what no neighbour has; `any`: also what one was asked for; `off`: ends after the running pieces. */
  set mode(mode: 'off' | 'missing' | 'any') {
    this.#mode = mode;
    const claim = { anyMissing: mode === 'any' };
    while (this.#mode !== 'off' && this.#workers < parallelMax && this.#next(claim)) continue;
  }

  /** One piece, the readers' first, whatever the mode and the limit of the node; nothing while others are fetched. */
  fetchOne(): void {
    if (this.#workers === 0) this.#next({ anyMissing: true, urgent: true });
  }

  stop(): void {
    this.#mode = 'off';
    this.#stop.abort(new Error('the download ended'));
  }

  /** Claims a piece and fetches it; false when there is none to claim. */
  #next(claim: { anyMissing: boolean; urgent?: boolean }): boolean {
    if (this.#stop.signal.aborted || this.#o.clock() < (this.#busyUntilMs ?? 0)) return false;
    const piece = this.#o.download.claimMissing(claim);
    if (piece === undefined) return false;
    this.#workers++;
    void this.#fetch(piece).then((delivered) => {
      this.#workers--;
      if (delivered && this.#mode !== 'off') this.#next({ anyMissing: this.#mode === 'any' });
    });
    return true;
  }

  /** Whether to go on with the next piece. */
  async #fetch(piece: number): Promise<boolean> {
    const { download, origins, metainfo, repository, clock, lot, events, failed } = this.#o;
    const take = (bytes: Uint8Array): void => {
      if (!download.deliverBytes(piece, bytes)) throw new NoPlaceError();
    };
    try {
      const answer = await fetchPiece(origins, { metainfo, repository, piece }, take, this.#stop.signal);
      const delivered = answer.kind === 'found' && download.delivered(piece);
      if (answer.kind === 'found' && !delivered) events.pieceCorrupt(answer.origin, piece);
      if (answer.kind !== 'found') download.released(piece);
      const restMs = answer.kind === 'unreachable' ? answer.retryAfterMs : undefined;
      this.#busyUntilMs = restMs === undefined ? undefined : clock() + restMs * (1 + lot);
      this.#failedMs = delivered || restMs !== undefined ? undefined : clock();
      return delivered;
    } catch (error) {
      download.released(piece);
      if (!this.#stop.signal.aborted && !(error instanceof NoPlaceError)) failed(error);
      return false;
    }
  }
}

/** The swarm has delivered the piece in the meantime, or has no room for another copy. */
class NoPlaceError extends Error {}
