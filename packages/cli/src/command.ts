import type { Flags, ParsedArguments } from './arguments.ts';
import type { ExitCode } from './errors.ts';

/** Where a command writes: one call is one line, or several with line feeds between them. */
export interface Output {
  out(text: string): void;
  err(text: string): void;
}

/** One `shoal <name>`. It stands in a file of its own in commands/ and in the table of commands.ts. */
export interface Command {
  readonly name: string;
  /** One line for `shoal --help`. */
  readonly summary: string;
  /** What follows the name in the usage line, flags excepted: `<runtime>`. */
  readonly parameters: string;
  /** The rest of `shoal <name> --help`, after the flags. */
  readonly details: string;
  readonly flags: Flags;
  /** @throws UsageError, RefusedError */
  run(given: ParsedArguments, output: Output): Promise<ExitCode>;
}
