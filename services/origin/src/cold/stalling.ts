import { ShoalError } from '@shoal/core';

export interface Stalling extends Disposable {
  /** Aborts when a wait takes too long, when the process stops, and at the end. */
  readonly signal: AbortSignal;
  /** Waits for one step of the work. @throws ShoalError UPSTREAM_BROKEN when it takes too long, or the reason of the stop */
  guard<T>(step: Promise<T>): Promise<T>;
  end(): void;
}

/** Gives every step of a read a deadline of its own. */
export const stalling = (stallMs: number, stop: AbortSignal): Stalling => {
  const ending = new AbortController();
  const stopped = (): void => ending.abort(stop.reason);
  if (stop.aborted) stopped();
  stop.addEventListener('abort', stopped, { once: true });
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  aborted.catch(() => undefined);
  ending.signal.addEventListener('abort', () => reject(ending.signal.reason as Error), { once: true });
  if (ending.signal.aborted) reject(ending.signal.reason as Error);
  const end = (): void => {
    stop.removeEventListener('abort', stopped);
    ending.abort(new Error('the read has ended'));
  };
  return {
    signal: ending.signal,
    guard: async (step) => {
      step.catch(() => undefined);
      const late = (): void =>
        ending.abort(new ShoalError('UPSTREAM_BROKEN', 502, `the source delivered nothing for ${stallMs} ms`));
      const timer = setTimeout(late, stallMs);
      try {
        return await Promise.race([step, aborted]);
      } finally {
        clearTimeout(timer);
      }
    },
    end,
    [Symbol.dispose]: end,
  };
};
