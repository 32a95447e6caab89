/** Short enough for even traffic, long enough to cost nothing. */
const tickMs = 5;

const waiting = new Set<() => void>();
let timer: NodeJS.Timeout | undefined;

/** Calls `tick` every 5 ms until it is removed. One timer serves the whole thread, and only while anyone waits. */
export const addTick = (tick: () => void): void => {
  waiting.add(tick);
  timer ??= setInterval(() => {
    for (const each of waiting) each();
  }, tickMs);
};

export const removeTick = (tick: () => void): void => {
  waiting.delete(tick);
  if (waiting.size > 0) return;
  clearInterval(timer);
  timer = undefined;
};
