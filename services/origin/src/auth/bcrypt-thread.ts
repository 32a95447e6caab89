import { Worker } from 'node:worker_threads';
import { ShoalError } from '@shoal/core';

/** What the thread is asked; its answer is `{ id, matches }`. */
export interface Comparison {
  readonly id: number;
  readonly password: string;
  readonly hash: string;
}

interface Waiting {
  readonly resolve: (matches: boolean) => void;
  readonly reject: (error: Error) => void;
}

/** Far longer than sensible costs take; a hash with an absurd one must not keep all others waiting. */
const timeoutMs = 30_000;

/**
 * Compares passwords with bcrypt hashes in a thread of its own: one comparison takes 50 ms to seconds of a processor,
 * during which an event loop that also serves pieces would do nothing else. One after the other; the caller bounds
 * how many wait. The thread starts with the first comparison and keeps no process alive.
 */
export class BcryptThread implements AsyncDisposable {
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #lastId = 0;

  /** @throws ShoalError BUSY (503) when the comparison takes too long or the thread ends */
  async compare(password: string, hash: string): Promise<boolean> {
    const worker = (this.#worker ??= this.#start());
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    this.#waiting.set(id, { resolve, reject });
    const timer = setTimeout(() => void this.#end(worker, `took more than ${timeoutMs} ms`), timeoutMs);
    worker.postMessage({ id, password, hash } satisfies Comparison);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#worker) await this.#end(this.#worker, 'ended: the process stops');
  }

  #start(): Worker {
    const worker = new Worker(new URL('bcrypt-worker.ts', import.meta.url));
    worker.unref();
    worker.on('message', ({ id, matches }: { id: number; matches: boolean }) => {
      this.#waiting.get(id)?.resolve(matches);
      this.#waiting.delete(id);
    });
    worker.on('error', (error: Error) => void this.#end(worker, `failed: ${error.message}`));
    return worker;
  }

  async #end(worker: Worker, reason: string): Promise<void> {
    if (worker !== this.#worker) return;
    this.#worker = undefined;
    for (const { reject } of this.#waiting.values())
      reject(new ShoalError('BUSY', 503, `the check of the password ${reason}`));
    this.#waiting.clear();
    await worker.terminate();
  }
}
