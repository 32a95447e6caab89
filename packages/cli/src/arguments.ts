import { type ParseArgsConfig, parseArgs } from 'node:util';
import { UsageError } from './errors.ts';

export interface Flag {
  /** What the value is called in the help; without it the flag takes none. */
  readonly value?: string;
  readonly multiple?: true;
  readonly help: string;
}

/** Flags by name, without the dashes. */
export type Flags = Readonly<Record<string, Flag>>;

export interface ParsedArguments {
  readonly positionals: readonly string[];
  has(flag: string): boolean;
  /** The value of a flag that takes one. */
  value(flag: string): string | undefined;
  values(flag: string): readonly string[];
}

/** Flags and positionals of one command, by parseArgs of node:util. @throws UsageError that names the flag */
export const parseArguments = (flags: Flags, argv: readonly string[]): ParsedArguments => {
  const options: NonNullable<ParseArgsConfig['options']> = {};
  for (const [name, { value }] of Object.entries(flags)) options[name] = { type: value ? 'string' : 'boolean' };
  // Not strict: its errors say neither what is allowed nor which value was given.
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, tokens: true });
  const given = new Map<string, string[]>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const { name, rawName, value, inlineValue = false } = token;
    const flag = Object.hasOwn(flags, name) && rawName === `--${name}` ? flags[name] : undefined;
    if (!flag) throw new UsageError(`${rawName} is not a flag here; allowed are ${flagNames(flags)}`);
    const before = given.get(name) ?? [];
    if (before.length > 0 && !flag.multiple) throw new UsageError(`--${name} is given twice; allowed is once`);
    given.set(name, [...before, flagValue(name, flag, value, inlineValue)]);
  }
  const values = (name: string): readonly string[] => given.get(name) ?? [];
  return { positionals, has: (name) => given.has(name), value: (name) => values(name)[0], values };
};

const flagNames = (flags: Flags): string =>
  Object.keys(flags)
    .map((name) => `--${name}`)
    .join(', ');

const flagValue = (name: string, flag: Flag, value: string | undefined, inline: boolean): string => {
  if (!flag.value) {
    if (value !== undefined)
      throw new UsageError(`--${name}: ${JSON.stringify(value)} is not allowed; it takes no value`);
    return '';
  }
  if (value === undefined || value === '')
    throw new UsageError(`--${name} is given without a value; it takes ${flag.value}`);
  if (!inline && value.startsWith('-')) {
    throw new UsageError(
      `--${name}: ${JSON.stringify(value)} looks like a flag; it takes ${flag.value}, or --${name}=${value}`,
    );
  }
  return value;
};
