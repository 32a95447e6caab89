import { setTimeout as sleep } from 'node:timers/promises';

/** What happens to a stream of bytes: a body of HTTP, or what one side of a connection sends. */
export type ByteFault =
  | { readonly kind: 'truncate' | 'stall' | 'corrupt'; readonly afterBytes: number }
  | { readonly kind: 'slow'; readonly bytesPerSecond: number };

/** The stream ends here, short: whoever forwards it closes the connection with FIN. */
export class Truncated extends Error {}

const sliceMs = 50;
const longestTimerMs = 2 ** 31 - 1;

/** A fault, and how often it happened. */
export class FaultPlan {
  /** Streams that it happened to. */
  applied = 0;
  readonly #fault: ByteFault | undefined;
  readonly #timesMax: number;
  readonly #times = new Map<string, number>();
  readonly #over = new AbortController();

  /**
   * It happens to the first `timesMax` streams of a name that are long enough, so that who tries again succeeds; one
   * that is slow is so always. Without a fault everything passes.
   */
  constructor(fault?: ByteFault, timesMax = 1) {
    this.#fault = fault;
    this.#timesMax = timesMax;
  }

  /** Breaks the streams that it has stopped. */
  end(): void {
    this.#over.abort();
  }

  /**
   * The bytes as the fault leaves them. A stall lasts until `signal` or the end of the plan ends it, as an error.
   * @throws Truncated after the last byte that still passes; AbortError
   */
  async *apply(name: string, chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const fault = this.#fault;
    if (fault?.kind === 'slow') yield* slowed(chunks, fault.bytesPerSecond, signal, () => this.applied++);
    else if (fault) yield* this.#broken(fault, name, chunks, signal);
    else yield* chunks;
  }

  async *#broken(
    fault: Exclude<ByteFault, { kind: 'slow' }>,
    name: string,
    chunks: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    let passed = 0;
    for await (const chunk of chunks) {
      const at = fault.afterBytes - passed;
      passed += chunk.length;
      if (at < 0 || at >= chunk.length || !this.#claims(name)) yield chunk;
      else if (fault.kind === 'corrupt') yield flipped(chunk, at);
      else {
        yield chunk.subarray(0, at);
        if (fault.kind === 'truncate') throw new Truncated();
        await sleep(longestTimerMs, undefined, { signal: AbortSignal.any([signal, this.#over.signal]) });
      }
    }
  }

  #claims(name: string): boolean {
    const times = this.#times.get(name) ?? 0;
    if (times === this.#timesMax) return false;
    this.#times.set(name, times + 1);
    this.applied++;
    return true;
  }
}

async function* slowed(
  chunks: AsyncIterable<Uint8Array>,
  bytesPerSecond: number,
  signal: AbortSignal,
  begins: () => void,
): AsyncGenerator<Uint8Array> {
  begins();
  const slice = Math.max(1, Math.floor((bytesPerSecond * sliceMs) / 1000));
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += slice) {
      const part = chunk.subarray(at, at + slice);
      await sleep((part.length / bytesPerSecond) * 1000, undefined, { signal });
      yield part;
    }
  }
}

const flipped = (chunk: Uint8Array, at: number): Uint8Array => {
  const copy = Uint8Array.from(chunk);
  copy[at] = (copy[at] ?? 0) ^ 0xff;
  return copy;
};
