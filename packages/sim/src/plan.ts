import { type Prng, randomBelow } from '@shoal/core';
import type { WorldOptions } from './world-options.ts';

/** What one agent of the world will be and do. Times in ms, rates in bytes/ms. */
export interface AgentPlan {
  /** From the begin of its wave. */
  readonly arrivalMs: number;
  readonly wave: number;
  /** Blobs it wants, in the order in which it begins them. */
  readonly wants: readonly number[];
  readonly up: number;
  readonly slow: boolean;
  readonly corrupt: boolean;
  readonly zone: number;
  /** On the far side of the partition. */
  readonly cutOff: boolean;
  readonly diesMs: number | undefined;
}

/** Everything about the agents that is drawn before the world begins. */
export const planAgents = (options: WorldOptions, prng: Prng): AgentPlan[] => {
  const { agents, waves, zones } = options;
  const order = shuffled(agents, prng);
  return Array.from({ length: agents }, (_, index) => {
    // One rank a property, from one shuffle: nobody is both slow and corrupt, or corrupt and dead.
    const rank = order[index] ?? 0;
    const slow = rank < options.slowAgents;
    const dies = agents - 1 - rank < options.deaths;
    return {
      arrivalMs: prng() * options.arrivalSpreadMs,
      wave: Math.floor((index * waves) / agents),
      wants: wantsOf(options, prng),
      up: slow ? options.slowUp : options.agentUp,
      slow,
      corrupt: rank >= options.slowAgents && rank < options.slowAgents + options.corruptAgents,
      zone: index % zones,
      cutOff: options.partitionForMs > 0 && prng() < 0.5,
      diesMs: dies ? options.deathFromMs + prng() * options.deathSpreadMs : undefined,
    };
  });
};

const wantsOf = ({ blobs, blobsPerAgent }: WorldOptions, prng: Prng): number[] =>
  blobsPerAgent === 0 || blobsPerAgent >= blobs.length
    ? blobs.map((_, blob) => blob)
    : shuffled(blobs.length, prng).slice(0, blobsPerAgent);

/** 0 to count - 1 in random order: Fisher and Yates. */
const shuffled = (count: number, prng: Prng): number[] => {
  const order = Array.from({ length: count }, (_, index) => index);
  for (let index = count - 1; index > 0; index--) {
    const other = randomBelow(prng, index + 1);
    const swap = order[index] ?? 0;
    order[index] = order[other] ?? 0;
    order[other] = swap;
  }
  return order;
};
