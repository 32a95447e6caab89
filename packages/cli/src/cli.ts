import { InvalidValueError, OciError } from '@shoal/core';
import { parseArguments } from './arguments.ts';
import type { Command, Output } from './command.ts';
import { commands } from './commands.ts';
import { type ExitCode, RefusedError, UsageError } from './errors.ts';
import { commandHelp, commonFlags, generalHelp } from './help.ts';
import { version } from './version.ts';

/** The whole of `shoal ARGV...`: it never throws and ends nothing. */
export const runCli = async (argv: readonly string[], output: Output): Promise<ExitCode> => {
  try {
    return await dispatch(argv, output);
  } catch (error) {
    return fail(error, argv.includes('--json'), output);
  }
};

const dispatch = async (argv: readonly string[], output: Output): Promise<ExitCode> => {
  const [first, ...rest] = argv;
  if (first === '--help' || first === '-h' || first === 'help') return print(output, generalHelp(commands));
  if (first === '--version') return print(output, version);
  const command = commands.find(({ name }) => name === first);
  if (!command) throw new UsageError(`${unknown(first)}; allowed are ${names()}. \`shoal --help\` says what they do`);
  return runCommand(command, rest, output);
};

const runCommand = (command: Command, argv: readonly string[], output: Output): Promise<ExitCode> | ExitCode => {
  if (argv.includes('--help') || argv.includes('-h')) return print(output, commandHelp(command));
  return command.run(parseArguments({ ...command.flags, ...commonFlags }, argv), output);
};

const names = (): string => commands.map(({ name }) => name).join(', ');

const unknown = (first: string | undefined): string =>
  first === undefined ? 'no command is given' : `${JSON.stringify(first)} is not a command`;

const print = (output: Output, text: string): ExitCode => {
  output.out(text);
  return 0;
};

const fail = (error: unknown, json: boolean, output: Output): ExitCode => {
  const message = error instanceof Error ? error.message : String(error);
  const instead = error instanceof RefusedError ? error.instead : isPermission(error) ? ['Run it as root.'] : [];
  const [result, code] = outcome(error);
  if (json) output.out(JSON.stringify({ result, reason: message, instead }, undefined, 2));
  else
    output.err(
      [`shoal: ${result === 'refused' ? 'refused, nothing was changed: ' : ''}${message}`, ...instead].join('\n'),
    );
  return code;
};

const outcome = (error: unknown): readonly [string, ExitCode] => {
  // What an argument is parsed as says itself what is allowed.
  if (error instanceof UsageError || error instanceof InvalidValueError || error instanceof OciError)
    return ['usage', 2];
  if (error instanceof RefusedError) return ['refused', 3];
  return ['failed', 1];
};

const isPermission = (error: unknown): boolean =>
  error instanceof Error && ['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '');
