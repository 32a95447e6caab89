import { parseArgs } from 'node:util';
import { InvalidValueError } from '@shoal/core';

export interface Options {
  readonly json: boolean;
  readonly only: readonly string[];
  /** What is measured becomes the baseline. */
  readonly update: boolean;
  readonly help: boolean;
}

/** `names`: what `only` may hold. */
export const usageOf = (
  names: readonly string[],
): string => `usage: npm run bench -- [--only NAME,...] [--json] [--update]
  --only NAMES  of ${names.join(', ')}
  --json        figures as JSON
  --update      store what was measured as the baseline`;

/** @throws InvalidValueError; TypeError for an option that is not known */
export const parseOptions = (args: readonly string[], names: readonly string[]): Options => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      only: { type: 'string', default: names.join(',') },
      update: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const only = values.only.split(',');
  for (const name of only)
    if (!names.includes(name)) throw new InvalidValueError('--only', name, `allowed are ${names.join(', ')}`);
  return { ...values, only };
};
