/**
 * Remembers the nonces of requests so that none is accepted twice. Nonces are kept in buckets by the time
 * their sender claims; when the bound is reached the oldest bucket goes, and from then on requests as old as it
 * are refused: memory is bounded and a replay is never accepted.
 */
export class NonceCache {
  readonly #noncesMax: number;
  readonly #buckets = new Map<number, Set<string>>();
  #size = 0;
  #oldestBucket = 0;

  constructor(noncesMax: number) {
    this.#noncesMax = noncesMax;
  }

  get size(): number {
    return this.#size;
  }

  /** `timeMs` as the sender claims it; `expiredMs` is the oldest time that is still accepted at all. */
  add(nonce: string, timeMs: number, expiredMs: number): 'fresh' | 'replayed' | 'tooOld' {
    this.#dropBefore(bucketOf(expiredMs));
    const index = bucketOf(timeMs);
    if (index < this.#oldestBucket) return 'tooOld';
    const bucket = this.#buckets.get(index) ?? new Set();
    if (bucket.has(nonce)) return 'replayed';
    while (this.#size >= this.#noncesMax) {
      const oldest = Math.min(...this.#buckets.keys());
      if (oldest >= index) return 'tooOld';
      this.#dropBefore(oldest + 1);
    }
    this.#buckets.set(index, bucket.add(nonce));
    this.#size += 1;
    return 'fresh';
  }

  #dropBefore(index: number): void {
    if (index <= this.#oldestBucket) return;
    this.#oldestBucket = index;
    for (const [other, nonces] of this.#buckets) {
      if (other >= index) continue;
      this.#buckets.delete(other);
      this.#size -= nonces.size;
    }
  }
}

const bucketMs = 1000;
const bucketOf = (timeMs: number): number => Math.floor(timeMs / bucketMs);
