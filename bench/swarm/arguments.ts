import { parseArgs } from 'node:util';
import { GiB, MiB, parseBytes } from '@shoal/core';

/** What the command line asks for. Sizes in bytes, rates in bytes/s; a rate of 0 is without limit. */
export interface BenchArguments {
  readonly agents: number;
  readonly size: number;
  readonly rate: number;
  readonly originRate: number;
  readonly processes: number;
  /** Agents that are killed when half of all bytes are delivered. */
  readonly killed: number;
  readonly json: boolean;
  readonly verbose: boolean;
  readonly help: boolean;
}

export const usage = `usage: npm run bench:swarm -- [--agents N] [--size S] [--rate R] [--processes P] [--kill 5%] [--json]
  --agents N        real agents, at most 2,000 (default 32)
  --size S          of the blob, such as 64MiB (the default)
  --rate R          upload and download limit of every agent a second, such as 4MiB; 0, the default: none
  --origin-rate R   upload limit of the origin a second; by default the agents', or 1MiB where they have none
  --processes P     that the agents are spread over (default: one for every 125 agents, 2 at least)
  --kill 5%         of the agents, or a number of them: killed when half of all bytes are there
  --json            figures as one line of JSON
  --verbose         warnings of the agents on stderr`;

const agentsMax = 2000;
const processesMax = 64;
/** What two cores carry for all agents together, bytes/s. */
export const machineRate = 96 * MiB;
const originRateUsual = MiB;
/** What a process holds at most: each agent has some 60 sockets, and a process often no more than 20,000 descriptors. */
const agentsPerProcess = 125;

/** @throws RangeError or InvalidValueError naming the option, its value and what is allowed; TypeError for an option that is not known */
export const parseArguments = (args: readonly string[]): BenchArguments => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      agents: { type: 'string', default: '32' },
      size: { type: 'string', default: '64MiB' },
      rate: { type: 'string', default: '0' },
      'origin-rate': { type: 'string' },
      processes: { type: 'string' },
      kill: { type: 'string', default: '0' },
      json: { type: 'boolean', default: false },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { json, verbose, help } = values;
  const agents = whole('--agents', values.agents, 1, agentsMax);
  const size = parseBytes(values.size, '--size');
  if (size < MiB || size > 4 * GiB) refuse('--size', values.size, '1MiB to 4GiB');
  const rate = parseBytes(values.rate, '--rate');
  const originRate = parseBytes(values['origin-rate'] ?? (rate || originRateUsual), '--origin-rate');
  const processes =
    values.processes === undefined
      ? Math.min(agents, Math.max(2, Math.ceil(agents / agentsPerProcess)))
      : whole('--processes', values.processes, 1, Math.min(agents, processesMax));
  return { agents, size, rate, originRate, processes, killed: killedOf(values.kill, agents), json, verbose, help };
};

/** `5%` of the agents, at least one; or a number of them. At least one agent lives. */
const killedOf = (raw: string, agents: number): number => {
  const share = /^(\d{1,2}(?:\.\d+)?)%$/.exec(raw)?.[1];
  if (share === undefined) return whole('--kill', raw, 0, agents - 1, ', or a share such as 5%');
  const killed = Math.ceil((Number(share) / 100) * agents);
  return killed < agents ? killed : refuse('--kill', raw, `a share that leaves one of ${agents} agents`);
};

const whole = (option: string, value: string, least: number, most: number, or = ''): number =>
  /^\d{1,9}$/.test(value) && Number(value) >= least && Number(value) <= most
    ? Number(value)
    : refuse(option, value, `a whole number from ${least} to ${most}${or}`);

const refuse = (option: string, value: string, allowed: string): never => {
  throw new RangeError(`${option}: ${JSON.stringify(value)} is not allowed; allowed: ${allowed}`);
};
