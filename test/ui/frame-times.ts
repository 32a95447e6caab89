import type { Page } from 'playwright-core';

export interface FrameTimes {
  /** Frames in which the page painted something. */
  readonly painted: number;
  /** Script of such a frame, in milliseconds. */
  readonly scriptMs: { readonly median: number; readonly p99: number; readonly max: number };
  /** From one frame of the browser to the next. */
  readonly intervalMs: { readonly median: number; readonly p99: number };
}

/** What frames take while the page is left alone; the callbacks of requestAnimationFrame are timed. */
export const measureFrames = (page: Page, ms: number): Promise<FrameTimes> =>
  page.evaluate(async (lastMs) => {
    const original = globalThis.requestAnimationFrame.bind(globalThis);
    const busy = new Map<number, number>();
    globalThis.requestAnimationFrame = (callback) =>
      original((atMs) => {
        const beganMs = performance.now();
        callback(atMs);
        busy.set(atMs, (busy.get(atMs) ?? 0) + performance.now() - beganMs);
      });
    const times: number[] = [];
    await new Promise<void>((resolve) => {
      const endMs = performance.now() + lastMs;
      const step = (atMs: number): void => {
        times.push(atMs);
        if (atMs >= endMs) resolve();
        else original(step);
      };
      original(step);
    });
    globalThis.requestAnimationFrame = original;
    const at = (values: readonly number[], share: number): number => {
      const value = values.toSorted((a, b) => a - b)[Math.floor(share * (values.length - 1))] ?? 0;
      return Math.round(value * 100) / 100;
    };
    const scripts = [...busy.values()];
    const intervals = times.slice(1).map((time, index) => time - (times[index] ?? time));
    return {
      painted: scripts.length,
      scriptMs: { median: at(scripts, 0.5), p99: at(scripts, 0.99), max: at(scripts, 1) },
      intervalMs: { median: at(intervals, 0.5), p99: at(intervals, 0.99) },
    };
  }, ms);
