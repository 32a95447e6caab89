import type { DebugServer } from '@shoal/service';
import type { Ground } from './ground.ts';
import type { Pulls } from './pull/pulls.ts';
import type { SwarmSide } from './swarm-side.ts';

/** Blobs listed by one dump. */
const listedMax = 1000;

/** `/debug/swarms`: what this node is doing, for people who look for a fault. */
export const registerDumps = (debug: DebugServer, { origins }: Ground, swarm: SwarmSide, pulls: Pulls): void => {
  const { exchange, seeds, tracker } = swarm;
  debug.register('swarms', () => ({
    exchange: exchange.stats(),
    links: [...exchange.links()].slice(0, listedMax).map(({ remote }) => remote),
    downloads: [...pulls.active].map((pull) => ({
      digest: pull.digest,
      swarm: pull.swarm,
      ...pull.status(),
      rung: pull.rung,
      readers: pull.readers.size,
      bytes: pull.bytes,
    })),
    seeds: [...seeds.digests()].slice(0, listedMax),
    originsReachable: origins.reachable,
    trackerFailure: tracker.lastError ?? null,
  }));
};
