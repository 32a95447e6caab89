import { parseArgs } from 'node:util';
import { candidates } from './clients/index.ts';
import { faults } from './faults.ts';
import { type Selection, ways } from './matrix.ts';

export interface Arguments extends Selection {
  /** Whether the whole matrix is run, so that it may stand in the documentation. */
  readonly whole: boolean;
  readonly help: boolean;
}

export const usage = `usage: npm run test:clients -- [flags]

Pulls images with the container clients of this machine through Shoal and without it, while something fails, and
compares. A run of everything also writes the matrix into docs/CLIENTS.md.

  --only KEY=VALUE[,KEY=VALUE...]  only these: client, fault, way; several values with |
                                   (client=podman|skopeo,fault=stalled)
  --quick                          what .ci/run does: a few clients and faults
  --lanes N                        faults that are tried at the same time (1 to 8, default 2)
  --help                           print this text

Exit codes: 0 nothing is worse than without Shoal, 1 something is, 2 a command line that is not understood.`;

const quick = {
  client: ['docker', 'containerd, ctr', 'skopeo'],
  fault: ['healthy', 'origin down', 'truncated'],
} as const;

const names: Readonly<Record<string, readonly string[]>> = {
  client: candidates.map(({ name }) => name),
  fault: faults.map(({ name }) => name),
  way: ways,
};

/** @throws Error naming the flag, the value and what is allowed */
export const parseArguments = (args: readonly string[]): Arguments => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
      lanes: { type: 'string', default: '2' },
      help: { type: 'boolean', default: false },
    },
  });
  const lanes = Number(values.lanes);
  if (!/^[1-8]$/.test(values.lanes)) throw new Error(`--lanes: "${values.lanes}" is not allowed; allowed is 1 to 8`);
  const only = values.only === undefined ? {} : parseOnly(values.only);
  const whole = !values.quick && values.only === undefined;
  return { ...(values.quick ? quick : {}), ...only, lanes, whole, help: values.help };
};

const parseOnly = (text: string): Partial<Record<'client' | 'fault' | 'way', readonly string[]>> =>
  Object.fromEntries(
    text.split(/,(?=\w+=)/).map((part) => {
      const [key = '', value = ''] = part.split('=');
      const known = names[key];
      if (!known) throw new Error(`--only: "${key}" is not allowed; allowed are ${Object.keys(names).join(', ')}`);
      return [key, value.split('|').flatMap((wanted) => matching(key, wanted, known))];
    }),
  );

/** The name itself, or all that begin with it. */
const matching = (key: string, wanted: string, known: readonly string[]): readonly string[] => {
  if (known.includes(wanted)) return [wanted];
  const found = known.filter((name) => wanted !== '' && name.startsWith(wanted));
  if (found.length === 0) throw new Error(`--only: ${key} "${wanted}" is not allowed; allowed are ${known.join('; ')}`);
  return found;
};
