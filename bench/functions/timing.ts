export interface Timing {
  /** CPU time of one call. */
  readonly microseconds: number;
  /** To one calibration loop. */
  readonly ratio: number;
}

/**
 * The medians of several rounds, in CPU time of this thread: what else runs on the machine takes no part in it. Each is
 * followed by a round of the calibration loop, so that what slows the processor down for a while slows both. A round is
 * long beside the steps of up to 4 ms in which a kernel counts that time.
 */
export const timingOf = (run: () => unknown, rounds = 21, roundMs = 50): Timing => {
  const [calls, loops] = [callsFor(run, roundMs), callsFor(calibrationLoop, roundMs)];
  const samples = Array.from({ length: rounds }, () => {
    const microseconds = microsecondsOf(run, calls);
    return { microseconds, ratio: microseconds / microsecondsOf(calibrationLoop, loops) };
  });
  const middle = (of: (timing: Timing) => number): number => samples.map(of).toSorted((a, b) => a - b)[rounds >> 1]!;
  return { microseconds: middle((timing) => timing.microseconds), ratio: middle((timing) => timing.ratio) };
};

const microsecondsOf = (run: () => unknown, calls: number): number => {
  const before = process.threadCpuUsage();
  for (let call = 0; call < calls; call++) run();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / calls;
};

/** How many calls fill a round; finding out compiles the code. */
const callsFor = (run: () => unknown, roundMs: number): number => {
  for (let calls = 1; ; calls *= 2) {
    const tookMs = (microsecondsOf(run, calls) * calls) / 1000;
    if (tookMs >= roundMs * 4) return Math.max(1, Math.round((calls * roundMs) / tookMs));
  }
};

const words = new Uint32Array(4096);

/**
 * What this machine is measured by: arithmetic, branches and memory of the first-level cache, in the proportions of
 * code of this kind. A figure over this one holds on machines with processors of one family, within some 20 %.
 */
const calibrationLoop = (): number => {
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
