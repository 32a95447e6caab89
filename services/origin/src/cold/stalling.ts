import { KiB, ShoalError } from '@shoal/core';

/** What has to come within the time of one stall: a source that trickles would hold its place, and who waits, for ever. */
const progressBytesMin = 16 * KiB;

export interface Stalling extends Disposable {
  /** Aborts when a wait takes too long, when the process stops, and at the end. */
  readonly signal: AbortSignal;
  /**
   * Waits for one step of the work. @throws ShoalError UPSTREAM_BROKEN when the steps since the last progress take too long
   * together, or the reason of the stop
   */
  guard<T>(step: Promise<T>): Promise<T>;
  /** Bytes have come. */
  progress(bytes: number): void;
  end(): void;
}

/** Gives a read `stallMs` for every 16 KiB, the time that it is waited for alone. */
export const stalling = (stallMs: number, stop: AbortSignal): Stalling => {
  const ending = new AbortController();
  const stopped = (): void => ending.abort(stop.reason);
  if (stop.aborted) stopped();
  stop.addEventListener('abort', stopped, { once: true });
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  aborted.catch(() => undefined);
  ending.signal.addEventListener('abort', () => reject(ending.signal.reason as Error), { once: true });
  if (ending.signal.aborted) reject(ending.signal.reason as Error);
  let leftMs = stallMs;
  let bytesSince = 0;
  const end = (): void => {
    stop.removeEventListener('abort', stopped);
    ending.abort(new Error('the read has ended'));
  };
  return {
    signal: ending.signal,
    guard: async (step) => {
      step.catch(() => undefined);
      const late = (): void =>
        ending.abort(
          new ShoalError('UPSTREAM_BROKEN', 502, `the source delivered ${bytesSince} bytes in ${stallMs} ms`),
        );
      const sinceMs = performance.now();
      const timer = setTimeout(late, leftMs);
      try {
        return await Promise.race([step, aborted]);
      } finally {
        clearTimeout(timer);
        leftMs = Math.max(0, leftMs - (performance.now() - sinceMs));
      }
    },
    progress: (bytes) => {
      bytesSince += bytes;
      if (bytesSince < progressBytesMin) return;
      bytesSince = 0;
      leftMs = stallMs;
    },
    end,
    [Symbol.dispose]: end,
  };
};
