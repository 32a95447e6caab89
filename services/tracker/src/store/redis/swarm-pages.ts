import type { Digest, SwarmId } from '@shoal/core';
import type { SwarmPage } from '../peer-store.ts';
import type { RedisConnection } from './connection.ts';
import type { Keys } from './keys.ts';
import { runScript, scripts } from './scripts.ts';

/** One step of a ZSCAN over the index of swarms, with a count of each swarm that still has members. */
export const pageOfSwarms = async (
  redis: RedisConnection,
  keys: Keys,
  cursor: string | undefined,
  limit: number,
): Promise<SwarmPage> => {
  const [next, flat] = (await redis.zscan(keys.swarms, cursor ?? '0', 'COUNT', limit)) as [string, string[]];
  const ids = flat.filter((_, index) => index % 2 === 0) as SwarmId[];
  const counts = await Promise.all(
    ids.map(
      (swarm) =>
        runScript(redis, scripts.swarmSummary, keys.swarm(swarm), []) as Promise<[number, number, number, string]>,
    ),
  );
  const swarms = ids.flatMap((swarm, index) => {
    const [agents, origins, complete, digest] = counts[index] ?? [0, 0, 0, ''];
    return agents + origins === 0
      ? []
      : [{ swarm, agents, origins, complete, digest: digest === '' ? undefined : (digest as Digest) }];
  });
  return { swarms, next: next === '0' ? undefined : next };
};
