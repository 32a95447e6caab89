import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { InvalidValueError, parseBytes } from '@shoal/core';

export interface Options {
  readonly json: boolean;
  /** Bytes of the blob of every run. */
  readonly size: number;
  /** Bytes of the blob that moves while memory is watched. */
  readonly large: number;
  readonly runs: number;
  /** Where the folder of what is pushed is made: a disk, as pushes are synced. */
  readonly folder: string;
  /** Where the folder of the agents' caches is made: in memory by default, so that the disk is not what is measured. */
  readonly caches: string;
  readonly only: readonly string[];
  /** Folder for CPU profiles of the services. */
  readonly profile: string | undefined;
  readonly help: boolean;
}

/** `names`: what `only` may hold. */
export const usageOf = (
  names: readonly string[],
): string => `usage: npm run bench:dataplane -- [--size 1GiB] [--large 5000MiB] [--runs 5] [--only NAME,...] [--json]
  --size S       of the blob of every run
  --large S      of the blob that moves while memory is watched
  --runs N       that are counted; those that warm up come before
  --only NAMES   of ${names.join(', ')}
  --folder DIR   for what is pushed and what the origin keeps: on a disk (default ${tmpdir()})
  --caches DIR   for the caches of the agents (default /dev/shm where there is one)
  --profile DIR  for a CPU profile of every service
  --json         figures as JSON`;

/** @throws InvalidValueError; TypeError for an option that is not known */
export const parseOptions = (args: readonly string[], names: readonly string[]): Options => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      size: { type: 'string', default: '1GiB' },
      large: { type: 'string', default: '5000MiB' },
      runs: { type: 'string', default: '5' },
      only: { type: 'string', default: names.join(',') },
      folder: { type: 'string', default: tmpdir() },
      caches: { type: 'string', default: existsSync('/dev/shm') ? '/dev/shm' : tmpdir() },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1) throw new InvalidValueError('--runs', values.runs, 'allowed is 1 or more');
  const only = values.only.split(',');
  for (const name of only)
    if (!names.includes(name)) throw new InvalidValueError('--only', name, `allowed are ${names.join(', ')}`);
  const [size, large] = [parseBytes(values.size, '--size'), parseBytes(values.large, '--large')];
  const { json, folder, caches, profile, help } = values;
  return { json, size, large, runs, folder, caches, only, profile, help };
};
