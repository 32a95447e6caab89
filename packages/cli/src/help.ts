import type { Flags } from './arguments.ts';
import type { Command } from './command.ts';

/** Flags that every command takes. */
export const commonFlags: Flags = {
  json: { help: 'print one JSON document instead of text' },
  help: { help: 'print this text' },
};

export const generalHelp = (commands: readonly Command[]): string =>
  [
    'usage: shoal <command> [flags]',
    '',
    ...aligned(commands.map(({ name, summary }) => [name, summary])),
    '',
    ...aligned([
      ['shoal <command> --help', 'what a command does and its flags'],
      ['shoal --version', 'the version'],
    ]),
    '',
    exitCodes,
  ].join('\n');

export const commandHelp = ({ name, parameters, summary, details, flags }: Command): string =>
  [
    `usage: shoal ${name} ${parameters} [flags]`,
    '',
    `${summary}.`,
    '',
    ...aligned(
      Object.entries({ ...flags, ...commonFlags }).map(([flag, { value, help }]) => [
        `--${flag}${value ? ` ${value}` : ''}`,
        help,
      ]),
    ),
    '',
    details,
    '',
    exitCodes,
  ].join('\n');

const exitCodes = 'Exit codes: 0 done or nothing to do, 1 failed, 2 a command line that is not understood, 3 refused.';

const aligned = (rows: readonly (readonly [string, string])[]): string[] => {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
};
