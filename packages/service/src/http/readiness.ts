/** Undefined when all is well; otherwise what is missing, in words: `redis at 127.0.0.1:6379 does not answer`. */
export type ReadinessCheck = () => string | undefined | Promise<string | undefined>;

export interface ReadinessReport {
  readonly ready: boolean;
  /** `ok` or what is missing, by check. */
  readonly checks: Readonly<Record<string, string>>;
}

const checkTimeoutMs = 2000;

/** The named checks behind `/readyz`; each has a deadline, so that a probe always gets its answer. */
export class Readiness {
  readonly #checks = new Map<string, ReadinessCheck>();
  phase: 'starting' | 'running' | 'stopping' = 'starting';

  add(name: string, check: ReadinessCheck): void {
    this.#checks.set(name, check);
  }

  async report(): Promise<ReadinessReport> {
    const phase = this.phase === 'running' ? 'ok' : `the process is ${this.phase}`;
    const results = await Promise.all(
      [...this.#checks].map(async ([name, check]) => [name, (await outcome(check)) ?? 'ok'] as const),
    );
    const checks = Object.fromEntries([['process', phase] as const, ...results]);
    return { ready: Object.values(checks).every((result) => result === 'ok'), checks };
  }
}

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
