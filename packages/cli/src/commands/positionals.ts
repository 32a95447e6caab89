import type { ParsedArguments } from '../arguments.ts';
import { UsageError } from '../errors.ts';

/** @throws UsageError */
export const noPositionals = ({ positionals: [first] }: ParsedArguments): void => {
  if (first !== undefined) throw new UsageError(`${JSON.stringify(first)} is one argument too many; allowed are flags`);
};

/** Exactly these, by their names in the usage line. @throws UsageError naming the first that is missing or too many */
export const positionalsOf = <const Names extends readonly string[]>(
  positionals: readonly string[],
  names: Names,
): { readonly [Index in keyof Names]: string } => {
  const missing = names[positionals.length];
  if (missing !== undefined)
    throw new UsageError(`<${missing}> is missing; needed are ${names.map((name) => `<${name}>`).join(' ')}`);
  const extra = positionals[names.length];
  if (extra !== undefined)
    throw new UsageError(
      `${JSON.stringify(extra)} is one argument too many; allowed are ${names.map((name) => `<${name}>`).join(' ')}`,
    );
  return positionals as unknown as { readonly [Index in keyof Names]: string };
};

/** What a command that stands for several does by its first argument. @throws UsageError naming what there is */
export const actionOf = <Actions extends object>(
  actions: Actions,
  name: string | undefined,
): Actions[keyof Actions] => {
  if (name !== undefined && Object.hasOwn(actions, name)) return actions[name as keyof Actions];
  const allowed = Object.keys(actions).join(', ');
  throw new UsageError(`${JSON.stringify(name ?? '')} is not allowed; allowed is one of ${allowed}`);
};
