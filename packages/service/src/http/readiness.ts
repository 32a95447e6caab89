/** Undefined when all is well; otherwise what is missing, in words: `redis at 127.0.0.1:6379 does not answer`. */
export type ReadinessCheck = () => string | undefined | Promise<string | undefined>;

export interface ReadinessReport {
  readonly ready: boolean;
  /** `ok` or what is missing, by check. */
  readonly checks: Readonly<Record<string, string>>;
  /** The same of what the process can do without; it does not count for `ready`. */
  readonly notes: Readonly<Record<string, string>>;
}

const checkTimeoutMs = 2000;

/** The named checks behind `/readyz`; each has a deadline, so that a probe always gets its answer. */
export class Readiness {
  readonly #checks = new Map<string, ReadinessCheck>();
  readonly #notes = new Map<string, ReadinessCheck>();
  phase: 'starting' | 'running' | 'stopping' = 'starting';

  add(name: string, check: ReadinessCheck): void {
    this.#checks.set(name, check);
  }

  note(name: string, check: ReadinessCheck): void {
    this.#notes.set(name, check);
  }

  async report(): Promise<ReadinessReport> {
    const phase = this.phase === 'running' ? 'ok' : `the process is ${this.phase}`;
    const [results, notes] = await Promise.all([outcomes(this.#checks), outcomes(this.#notes)]);
    const checks = { process: phase, ...results };
    return { ready: Object.values(checks).every((result) => result === 'ok'), checks, notes };
  }
}

const outcomes = async (checks: ReadonlyMap<string, ReadinessCheck>): Promise<Record<string, string>> =>
  Object.fromEntries(
    await Promise.all([...checks].map(async ([name, check]) => [name, (await outcome(check)) ?? 'ok'] as const)),
  );

const outcome = async (check: ReadinessCheck): Promise<string | undefined> => {
  const { promise: late, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(resolve, checkTimeoutMs, `the check took longer than ${checkTimeoutMs} ms`);
  try {
    return await Promise.race([check(), late]);
  } catch (error) {
    return (error as Error).message;
  } finally {
    clearTimeout(timer);
  }
};
