import type { Bitfield, PieceIndex } from '@shoal/core';

interface Waiter {
  readonly piece: PieceIndex;
  /** A reply has begun: it is worth waiting where a new request would better be refused. */
  readonly begun: boolean;
  resolve(): void;
  reject(reason: unknown): void;
}

/** Those who read one blob in order while it is on its way: wakes them, and knows what each needs next. */
export class ReaderSet {
  readonly #have: Bitfield;
  readonly #waiters = new Set<Waiter>();
  readonly #changed: () => void;
  /** A piece that is there but held back until the whole blob is verified. */
  #withheld: PieceIndex | undefined;
  #open = 0;

  constructor(o: { have: Bitfield; withheld?: PieceIndex | undefined; changed: () => void }) {
    this.#have = o.have;
    this.#withheld = o.withheld;
    this.#changed = o.changed;
  }

  /** Readers that are open, waiting or not. */
  get size(): number {
    return this.#open;
  }

  enter(): void {
    this.#open++;
  }

  /** Nothing is wanted before other pieces any more because of this one. */
  left(): void {
    this.#open--;
    this.#changed();
  }

  readable(piece: PieceIndex): boolean {
    return piece !== this.#withheld && this.#have.has(piece);
  }

  /** Somebody waits whose reply has not begun. */
  get unbegun(): boolean {
    return this.#waiters.values().some(({ begun }) => !begun);
  }

  /** The next piece each waiting reader needs. */
  cursors(): PieceIndex[] {
    return [...new Set([...this.#waiters].map(({ piece }) => piece))];
  }

  /** Resolves when the piece can be read; rejects with the signal's reason or what `fail` says. */
  wait(piece: PieceIndex, begun: boolean, signal: AbortSignal): Promise<void> {
    if (this.readable(piece)) return Promise.resolve();
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    return new Promise((resolve, reject) => {
      const settle = (end: () => void) => (): void => {
        this.#waiters.delete(waiter);
        signal.removeEventListener('abort', aborted);
        end();
      };
      const aborted = settle(() => {
        this.#changed();
        reject(signal.reason as Error);
      });
      const waiter: Waiter = {
        piece,
        begun,
        resolve: settle(resolve),
        reject: (reason) => settle(() => reject(reason as Error))(),
      };
      signal.addEventListener('abort', aborted, { once: true });
      this.#waiters.add(waiter);
      this.#changed();
    });
  }

  /** Pieces have come: wakes whose piece is there. */
  wake(): void {
    if (this.#waiters.size === 0) return;
    for (const waiter of [...this.#waiters]) if (this.readable(waiter.piece)) waiter.resolve();
  }

  /** The whole blob has been verified: nothing is held back any more. */
  release(): void {
    this.#withheld = undefined;
    this.wake();
  }

  /** It will not come. With `unbegun` only those hear it whose reply has not begun. */
  fail(reason: Error, who: 'all' | 'unbegun' = 'all'): void {
    for (const waiter of [...this.#waiters]) if (who === 'all' || !waiter.begun) waiter.reject(reason);
  }
}
