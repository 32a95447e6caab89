import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** CPU seconds that the threads of a process that still run have spent. Source: proc(5), /proc/PID/task/TID/schedstat. */
export const cpuSeconds = (pid: number): number => {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`))
    nanoseconds += Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0]);
  return nanoseconds / 1e9;
};

/** A thread may end between the listing and the reading. */
const read = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '0';
  }
};

/** Resident memory in bytes, now (`VmRSS`) or at its highest since resetPeak (`VmHWM`). */
export const residentBytes = (pid: number, which: 'VmRSS' | 'VmHWM'): number => {
  const match = new RegExp(`^${which}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match?.[1]) * 1024;
};

/** Begins a new `VmHWM`. Source: proc(5), clear_refs. */
export const resetPeak = (pid: number): void => writeFileSync(`/proc/${pid}/clear_refs`, '5');

export interface Measured<Result> {
  readonly result: Result;
  readonly seconds: number;
  /** CPU seconds by process. */
  readonly cpu: Readonly<Record<string, number>>;
}

/** Runs `work` and tells what it cost each of the processes, given by pid. */
export const measure = async <Result>(
  pids: Readonly<Record<string, number>>,
  work: () => Promise<Result>,
): Promise<Measured<Result>> => {
  const before = Object.entries(pids).map(([name, pid]) => [name, pid, cpuSeconds(pid)] as const);
  const startMs = performance.now();
  const result = await work();
  const seconds = (performance.now() - startMs) / 1000;
  return { result, seconds, cpu: Object.fromEntries(before.map(([name, pid, was]) => [name, cpuSeconds(pid) - was])) };
};
