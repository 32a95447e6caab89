import { parseArgs } from 'node:util';
import type { ConfigDefinition } from '../config/definition.ts';
import { describeFlags } from './help.ts';

export interface CommandLine {
  readonly action: 'run' | 'check' | 'help' | 'version';
  readonly file: string | undefined;
}

/** A command line that is not understood; exit code 2. */
export class UsageError extends Error {}

/** `--config FILE` (or SHOAL_CONFIG), `--check`, `--help`, `--version`. @throws UsageError */
export const parseCommandLine = (
  definition: ConfigDefinition,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): CommandLine => {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        config: { type: 'string' },
        check: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean' },
      },
    });
    const action = values.help ? 'help' : values.version ? 'version' : values.check ? 'check' : 'run';
    return { action, file: values.config ?? (env['SHOAL_CONFIG'] || undefined) };
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n${describeFlags(definition.service)}`);
  }
};
