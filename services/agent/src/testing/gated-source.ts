import type { Digest, RepositoryName } from '@shoal/core';
import type { ColdProvider, ColdSource } from '@shoal/origin';

/** A source of one cold blob that delivers what a test lets it, and no byte more. */
export class GatedSource implements ColdProvider {
  /** Offsets at which it was opened. */
  readonly opens: number[] = [];
  readonly #digest: Digest;
  readonly #bytes: Uint8Array;
  readonly #sized: boolean;
  #allowed = 0;
  #breakAt: number | undefined;
  #changed = Promise.withResolvers<void>();

  /** Not `sized`: nobody says how many bytes it has before they have all come. */
  constructor(digest: Digest, bytes: Uint8Array, { sized = true }: { sized?: boolean } = {}) {
    this.#digest = digest;
    this.#bytes = bytes;
    this.#sized = sized;
  }

  /** Lets bytes up to this offset pass. */
  allow(offset: number): void {
    this.#allowed = offset;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** The read that reaches this offset breaks off there, once. */
  breakAt(offset: number): void {
    this.#breakAt = offset;
  }

  async find(repository: RepositoryName, digest: Digest): Promise<ColdSource | undefined> {
    if (digest !== this.#digest) return undefined;
    const open = async (offset: number, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> => {
      this.opens.push(offset);
      return this.#read(offset, signal);
    };
    return { repository, size: this.#sized ? this.#bytes.length : undefined, open };
  }

  async *#read(from: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const aborted = Promise.withResolvers<never>();
    aborted.promise.catch(() => undefined);
    signal.addEventListener('abort', () => aborted.reject(signal.reason as Error), { once: true });
    for (let at = from; at < this.#bytes.length;) {
      if (at === this.#breakAt) {
        this.#breakAt = undefined;
        throw new Error('the connection broke');
      }
      const to = Math.min(this.#allowed, at + 50_000, this.#breakAt ?? Infinity);
      if (to > at) yield this.#bytes.subarray(at, to);
      else await Promise.race([this.#changed.promise, aborted.promise]);
      at = Math.max(at, to);
    }
  }
}

/** Reads a body until it has so many bytes in all. */
export class BodyReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #chunks: Uint8Array[] = [];
  received = 0;

  constructor(answer: Response) {
    if (![200, 206].includes(answer.status) || !answer.body) throw new Error(`status ${answer.status}`);
    this.#reader = answer.body.getReader();
  }

  /** Leaves before the end. */
  async leave(): Promise<void> {
    await this.#reader.cancel();
  }

  /** False: the body ended before. @throws when it broke off */
  async reaches(bytes: number): Promise<boolean> {
    while (this.received < bytes) {
      const { done, value } = await this.#reader.read();
      if (done) return false;
      this.#chunks.push(value);
      this.received += value.length;
    }
    return true;
  }

  get bytes(): Uint8Array {
    return Buffer.concat(this.#chunks);
  }
}
