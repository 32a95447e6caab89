import type { IncomingMessage } from 'node:http';
import { KiB, ShoalError } from '@shoal/core';
import { releaseChunk } from '@shoal/service';

/** Large enough that what a batch costs beside its bytes does not count, small enough to be hashed in the CPU's cache. */
const batchBytesMax = 512 * KiB;

/** One fills while the other is hashed and written. */
const batchesMax = 2;

/** What a client has to send of a body in time. */
export interface BodyPace {
  /** How long a client may send nothing; also the window over which `bytesPerSecondMin` is measured. */
  readonly idleTimeoutMs: number;
  readonly bytesPerSecondMin: number;
}

export interface BodyOptions extends BodyPace {
  /** Bytes that have arrived; those of the last batch may not have been read yet. */
  readonly bytesReceived?: (bytes: number) => void;
  readonly batchBytes?: number;
  readonly clock?: () => number;
}

/**
 * Gathers a request's body into large batches: the parser's chunks are copied as they come, in flowing mode, so that no
 * chunk costs a promise. The client is held back only while both batches are taken; that time does not count against it.
 */
export class BodyBatches {
  readonly #body: IncomingMessage;
  readonly #options: BodyOptions;
  readonly #clock: () => number;
  readonly #batchBytes: number;
  readonly #free: Uint8Array[] = [];
  readonly #full: Uint8Array[] = [];
  readonly #meter: PaceMeter;
  #made = 0;
  #filling: Uint8Array | undefined;
  #filled = 0;
  /** What of the last chunk had no room. */
  #rest: Uint8Array | undefined;
  #ended = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sinceMs = 0;

  /** `length`: bytes the body has, when that is known. */
  constructor(body: IncomingMessage, length: number | undefined, options: BodyOptions) {
    this.#body = body;
    this.#options = options;
    this.#clock = options.clock ?? (() => performance.now());
    const { batchBytes = batchBytesMax } = options;
    this.#batchBytes = Math.max(1, Math.min(batchBytes, length ?? batchBytes));
    this.#meter = new PaceMeter(options);
    if (body.readableEnded) this.#ended = true;
    else if (body.destroyed) this.#error = body.errored ?? new Error('the client closed the connection');
    else this.#listen();
  }

  /**
   * The next bytes, which `giveBack` returns; undefined after the last. What has come is given before the error.
   * @throws ShoalError BODY_STALLED, or the connection's error when the client is gone
   */
  async next(): Promise<Uint8Array | undefined> {
    while (this.#full.length === 0 && !this.#ended && !this.#error)
      await new Promise<void>((resolve) => (this.#wake = resolve));
    const batch = this.#full.shift() ?? this.#takeFilled();
    if (!batch && this.#error) throw this.#error;
    return batch;
  }

  giveBack(batch: Uint8Array): void {
    this.#free.push(new Uint8Array(batch.buffer));
    const rest = this.#rest;
    if (!rest) return;
    this.#rest = undefined;
    this.#fill(rest);
    if (!this.#rest && !this.#error) this.#flow();
  }

  /** The request stays usable, so that it can be answered, and what is left of its body be dropped. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#body.off('data', this.#take).off('end', this.#end).off('error', this.#fail).off('close', this.#closed);
    // A listener is needed for an error that comes after all.
    this.#body.on('error', () => undefined);
  }

  #listen(): void {
    this.#body.on('end', this.#end).on('error', this.#fail).on('close', this.#closed).on('data', this.#take);
    this.#flow();
  }

  #flow(): void {
    this.#sinceMs = this.#clock();
    const { idleTimeoutMs } = this.#options;
    this.#timer = setTimeout(() => {
      this.#fail(bodyStalled(`the client sent nothing for ${idleTimeoutMs} ms`));
    }, idleTimeoutMs);
    this.#body.resume();
  }

  #hold(): void {
    this.#body.pause();
    clearTimeout(this.#timer);
  }

  readonly #take = (chunk: Uint8Array): void => {
    const nowMs = this.#clock();
    const slow = this.#meter.took(nowMs - this.#sinceMs, chunk.length);
    this.#sinceMs = nowMs;
    this.#timer?.refresh();
    this.#options.bytesReceived?.(chunk.length);
    this.#fill(chunk);
    if (!this.#rest) releaseChunk(chunk);
    if (slow !== undefined && !this.#body.complete) this.#fail(bodyStalled(slow));
  };

  readonly #end = (): void => {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#wake?.();
  };

  readonly #fail = (error: Error): void => {
    this.#error ??= error;
    this.#hold();
    this.#wake?.();
  };

  readonly #closed = (): void => {
    if (!this.#ended) this.#fail(new Error('the client closed the connection'));
  };

  #fill(chunk: Uint8Array): void {
    for (let from = 0; from < chunk.length;) {
      const batch = (this.#filling ??= this.#emptyBatch());
      if (!batch) {
        this.#rest = chunk.subarray(from);
        return this.#hold();
      }
      const part = chunk.subarray(from, from + batch.length - this.#filled);
      batch.set(part, this.#filled);
      this.#filled += part.length;
      from += part.length;
      if (this.#filled === batch.length) this.#closeBatch();
    }
  }

  #closeBatch(): void {
    const batch = this.#takeFilled();
    if (batch) this.#full.push(batch);
    this.#wake?.();
  }

  #takeFilled(): Uint8Array | undefined {
    const filled = this.#filling?.subarray(0, this.#filled);
    this.#filling = undefined;
    this.#filled = 0;
    return filled;
  }

  #emptyBatch(): Uint8Array | undefined {
    if (this.#free.length > 0) return this.#free.pop();
    if (this.#made === batchesMax) return undefined;
    this.#made++;
    return new Uint8Array(Buffer.allocUnsafeSlow(this.#batchBytes).buffer);
  }
}

const bodyStalled = (message: string): ShoalError => new ShoalError('BODY_STALLED', 408, message);

/** Measures a client by windows of the time that was spent waiting for it. */
class PaceMeter {
  readonly #pace: BodyPace;
  #waitedMs = 0;
  #bytes = 0;

  constructor(pace: BodyPace) {
    this.#pace = pace;
  }

  /** Undefined as long as the client is fast enough, else what is wrong. */
  took(waitedMs: number, bytes: number): string | undefined {
    const { idleTimeoutMs, bytesPerSecondMin } = this.#pace;
    this.#waitedMs += waitedMs;
    this.#bytes += bytes;
    if (this.#waitedMs < idleTimeoutMs) return undefined;
    const seconds = this.#waitedMs / 1000;
    if (this.#bytes < seconds * bytesPerSecondMin)
      return `the client sent ${this.#bytes} bytes in ${seconds.toFixed(1)} s; allowed are ${bytesPerSecondMin} a second and more`;
    this.#waitedMs = 0;
    this.#bytes = 0;
    return undefined;
  }
}
