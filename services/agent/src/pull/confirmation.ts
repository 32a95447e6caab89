import { InvalidValueError, OciError, ShoalError, type SignedMetainfo } from '@shoal/core';
import type { CachedBlob } from '@shoal/store';
import type { FoundMetainfo } from '../metainfo/metainfo-source.ts';

export interface ConfirmationOptions {
  readonly blob: CachedBlob;
  /** @throws OciError BLOB_UNKNOWN when the origins have it no longer */
  readonly ask: () => Promise<FoundMetainfo>;
  /** Keeps what an origin signed. @throws InvalidValueError when it contradicts the pieces that are here */
  readonly keep: (signed: SignedMetainfo) => void;
  readonly confirmed: () => void;
  /** What was received of the blob is of no use. */
  readonly refused: (reason: Error) => void;
}

/** Between two questions while the origin that receives the blob is not heard. */
const askAgainMs = 1_000;
/** An origin that is not heard for this long has given the blob up. */
const unheardMaxMs = 30_000;

/**
 * A cold blob's way from hashes that an origin has told to metainfo that one has signed. Until then it is neither complete
 * nor kept.
 */
export class Confirmation {
  readonly #o: ConfirmationOptions;
  #state: 'open' | 'asking' | 'settled' = 'open';
  #allKnown = false;
  #askedMs: number;
  #heardMs: number;

  constructor(o: ConfirmationOptions, nowMs: number) {
    this.#o = o;
    this.#askedMs = this.#heardMs = nowMs;
  }

  get settled(): boolean {
    return this.#state === 'settled';
  }

  /** Every hash is known: an origin has verified the digest. */
  hashesKnown(nowMs: number): void {
    this.#allKnown = true;
    void this.#ask(nowMs);
  }

  /** Time passes. `heard`: an origin that tells hashes is a neighbour. */
  step(heard: boolean, nowMs: number): void {
    if (heard) this.#heardMs = nowMs;
    if (this.#state !== 'open' || (heard && !this.#allKnown)) return;
    if (nowMs - this.#heardMs >= unheardMaxMs) return this.#refuse('the origin that was receiving it is gone');
    if (nowMs - this.#askedMs >= askAgainMs) void this.#ask(nowMs);
  }

  stop(): void {
    this.#state = 'settled';
  }

  async #ask(nowMs: number): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'asking';
    this.#askedMs = nowMs;
    try {
      const found = await this.#o.ask();
      if (this.settled || found.kind !== 'signed') return;
      this.#o.keep(found.signed);
      this.#state = 'settled';
      this.#o.confirmed();
    } catch (error) {
      if (error instanceof InvalidValueError) this.#refuse('what an origin signed is not what was received');
      else if (error instanceof OciError) this.#refuse('the origins have it no longer');
    } finally {
      if (this.#state === 'asking') this.#state = 'open';
    }
  }

  #refuse(why: string): void {
    if (this.settled) return;
    this.#state = 'settled';
    this.#o.refused(new ShoalError('UNAVAILABLE', 503, `${this.#o.blob.digest}: ${why}`));
  }
}
