/** 0 done or nothing to do, 1 failed, 2 a command line that is not understood, 3 refused: nothing was changed. */
export type ExitCode = 0 | 1 | 2 | 3;

/** A command line that is not understood; exit code 2. */
export class UsageError extends Error {}

/** What the command could do but will not, because it would lose or break something; exit code 3. */
export class RefusedError extends Error {
  /** What the operator can do instead, one step a line. */
  readonly instead: readonly string[];

  constructor(reason: string, instead: readonly string[] = []) {
    super(reason);
    this.instead = instead;
  }
}
