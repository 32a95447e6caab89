import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { RedisConnection } from './connection.ts';

/** A Lua script of this folder. */
export interface Script {
  readonly source: string;
  readonly sha: string;
}

const load = (name: string): Script => {
  const source = readFileSync(new URL(`${name}.lua`, import.meta.url), 'utf8');
  return { source, sha: createHash('sha1').update(source).digest('hex') };
};

export const scripts = {
  lease: load('lease'),
  peerAnnounce: load('peer-announce'),
  peerHeartbeat: load('peer-heartbeat'),
  swarmMember: load('swarm-member'),
  swarmFirst: load('swarm-first'),
  swarmDropDead: load('swarm-drop-dead'),
  swarmTouch: load('swarm-touch'),
  swarmSummary: load('swarm-summary'),
};

/** Runs a script by its hash, and sends its text when the server does not have it (first use, restart, SCRIPT FLUSH). */
export const runScript = async (
  redis: RedisConnection,
  { source, sha }: Script,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> => {
  try {
    return await redis.evalsha(sha, keys.length, ...keys, ...args);
  } catch (error) {
    if (!(error as Error).message.startsWith('NOSCRIPT')) throw error;
    return redis.eval(source, keys.length, ...keys, ...args);
  }
};
