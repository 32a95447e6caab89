/** Microseconds one call takes: the median of many short rounds, after as much warm-up. */
export const microsecondsOf = (run: () => unknown, rounds = 41, roundMs = 10): number => {
  const calls = callsFor(run, roundMs);
  const samples = Array.from({ length: rounds }, () => {
    const start = process.hrtime.bigint();
    for (let call = 0; call < calls; call++) run();
    return Number(process.hrtime.bigint() - start) / 1000 / calls;
  });
  return samples.toSorted((a, b) => a - b)[rounds >> 1]!;
};

/** How many calls fill a round; finding out compiles the code. */
const callsFor = (run: () => unknown, roundMs: number): number => {
  for (let calls = 1; ; calls *= 2) {
    const startMs = performance.now();
    for (let call = 0; call < calls; call++) run();
    const tookMs = performance.now() - startMs;
    if (tookMs >= roundMs * 10) return Math.max(1, Math.round((calls * roundMs) / tookMs));
  }
};

const words = new Uint32Array(4096);

/**
 * What this machine is measured by: arithmetic, branches and memory of the first-level cache, in the proportions of
 * code of this kind. A figure over this one holds on other machines of the same architecture, within some 20 %.
 */
export const calibrationLoop = (): number => {
  let state = 0x9e37_79b9;
  for (let index = 0; index < words.length; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const at = state & (words.length - 1);
    words[at] = (words[at]! + state) >>> 0;
    if ((words[at]! & 3) === 0) words[index] = state;
  }
  return state;
};
