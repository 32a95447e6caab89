import type { Exchange } from '@shoal/exchange';
import type { DebugServer } from '@shoal/service';
import type { PieceCache } from '@shoal/store';
import type { Origins } from './origin/origins.ts';
import type { Pulls } from './pull/pulls.ts';
import type { Seeds } from './seeds/seeds.ts';
import type { TrackerClient } from './tracker/tracker-client.ts';

export interface DumpedParts {
  readonly exchange: Exchange;
  readonly cache: PieceCache;
  readonly pulls: Pulls;
  readonly seeds: Seeds;
  readonly origins: Origins;
  readonly tracker: TrackerClient;
}

/** Blobs listed by one dump. */
const listedMax = 1000;

/** `/debug/swarms` and `/debug/cache`: what this node is doing, for people who look for a fault. */
export const registerDumps = (debug: DebugServer, parts: DumpedParts): void => {
  const { exchange, cache, pulls, seeds, origins, tracker } = parts;
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
  debug.register('cache', () => ({
    ...cache.stats(),
    blobs: Iterator.from(cache.entries())
      .take(listedMax)
      .map(({ digest, size, have, suspect, lastUsedMs }) => ({
        digest,
        size,
        have: have.count,
        pieces: have.length,
        suspect,
        lastUsedMs,
      }))
      .toArray(),
  }));
};
