import { parseArgs } from 'node:util';
import { scenarios } from './scenarios.ts';
import { sensitivities } from './sensitivities.ts';

/** What the command line asks for. */
export interface SimArguments {
  readonly scenario: string;
  /** The worlds of the scenario that are run, one after the other. */
  readonly worlds: readonly number[];
  readonly scale: number;
  readonly json: boolean;
  readonly plot: string | undefined;
  readonly sensitivity: string | undefined;
  /** A sensitivity runs so many. */
  readonly seeds: number;
  readonly list: boolean;
  readonly help: boolean;
}

export const usage = `usage: npm run sim -- --scenario NAME [--seed N] [--scale F] [--json] [--plot FILE.svg]
       npm run sim -- --scenario NAME --seeds N,N,... [--scale F] [--json]   a JSON line each, or all and their medians
       npm run sim -- --sensitivity NAME [--seeds N] [--scale F]   a table of what a choice of the policy is worth
       npm run sim -- --list
--scale multiplies the number of nodes: 0.1 for a quick look.
scenarios: ${Object.keys(scenarios).join(', ')}
sensitivities: ${Object.keys(sensitivities).join(', ')}`;

/** @throws RangeError naming the option, its value and what is allowed; TypeError for an option that is not known */
export const parseArguments = (args: readonly string[]): SimArguments => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      scenario: { type: 'string', default: 'small-32' },
      seed: { type: 'string', default: '1' },
      scale: { type: 'string' },
      json: { type: 'boolean', default: false },
      plot: { type: 'string' },
      sensitivity: { type: 'string' },
      seeds: { type: 'string' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { scenario, json, plot, sensitivity, list, help } = values;
  known('--scenario', scenario, scenarios);
  if (sensitivity !== undefined) known('--sensitivity', sensitivity, sensitivities);
  const scale = values.scale === undefined ? (sensitivity === undefined ? 1 : 0.1) : Number(values.scale);
  if (!(scale > 0 && scale <= 100)) refuse('--scale', values.scale ?? '', 'a number above 0, up to 100');
  const seed = whole('--seed', values.seed, 0);
  const several =
    sensitivity === undefined ? values.seeds?.split(',').map((one) => whole('--seeds', one, 1)) : undefined;
  if (plot !== undefined && several !== undefined) refuse('--plot', plot, 'one seed: --seed N');
  const seeds = sensitivity === undefined ? 0 : whole('--seeds', values.seeds ?? '3', 1);
  return { scenario, worlds: several ?? [seed], scale, json, plot, sensitivity, seeds, list, help };
};

const known = (option: string, name: string, allowed: Readonly<Record<string, unknown>>): void => {
  if (!Object.hasOwn(allowed, name)) refuse(option, name, Object.keys(allowed).join(', '));
};

const whole = (option: string, value: string, least: number): number =>
  /^\d{1,9}$/.test(value) && Number(value) >= least
    ? Number(value)
    : refuse(option, value, `a whole number of up to 9 digits, ${least} or more`);

const refuse = (option: string, value: string, allowed: string): never => {
  throw new RangeError(`${option}: ${JSON.stringify(value)} is not allowed; allowed: ${allowed}`);
};
