import {
  address,
  baseSections,
  bytes,
  checkBase,
  defineConfig,
  durationMs,
  flag,
  integer,
  list,
  listener,
  secret,
  section,
  text,
  tlsFiles,
  url,
} from '@shoal/service';
import type { ConfigProblem } from '@shoal/service';
import { harborSection } from './harbor/config.ts';
import { isLoopbackHost, type Static, Type } from '@shoal/core';

const schema = section({
  ...baseSections({ admin: 7012, debug: 7013 }),
  api: section({
    ...listener(7010, 'Announce, heartbeat and lookup').properties,
    tls: Type.Optional(tlsFiles()),
  }),
  replicas: integer({
    default: 1,
    min: 1,
    max: 100,
    description: 'How many trackers the cluster runs. More than one need a common Redis.',
  }),
  redis: section({
    url: Type.Optional(
      url({
        protocols: ['redis:', 'rediss:'],
        hidden: true,
        description: 'One Redis server. Without url, sentinels and clusterNodes the peers are kept in memory.',
      }),
    ),
    sentinels: list(address({ description: 'A sentinel.' }), {
      default: [],
      max: 32,
      description: 'Redis Sentinels that know the server, in place of url.',
    }),
    sentinelMaster: Type.Optional(text({ description: 'Name of the server among the sentinels.' })),
    clusterNodes: list(address({ description: 'A node.' }), {
      default: [],
      max: 64,
      description: 'Some nodes of a Redis Cluster, in place of url.',
    }),
    password: Type.Optional(secret({ description: 'Password of Redis, where the url does not hold it.' })),
    timeoutMs: durationMs({
      default: '1s',
      min: '50ms',
      max: '30s',
      description: 'Deadline of one command; after it announces are answered with 503.',
    }),
  }),
  ui: section({
    enabled: flag({ default: true, description: 'The live view of the swarms for people, at `/ui`.' }),
    ...listener(7011, 'The live view').properties,
    password: Type.Optional(
      secret({
        minLength: 8,
        description:
          'Password of the live view, for any user name (HTTP Basic). Needed as soon as it listens beyond loopback.',
      }),
    ),
    viewersMax: integer({ default: 20, min: 1, max: 1000, description: 'Browsers that watch at once; more get 503.' }),
    recordings: integer({
      default: 10,
      min: 0,
      max: 100,
      description: 'Finished swarms that can be replayed; they are kept in memory.',
    }),
    recordingBytesMax: bytes({
      default: '4MiB',
      min: '64KiB',
      max: '64MiB',
      description: 'Longest recording of one swarm; up to 8 are made at once beside those that are kept.',
    }),
  }),
  harbor: harborSection(),
  heartbeat: section({
    intervalMs: durationMs({
      default: '10s',
      min: '100ms',
      max: '10m',
      description: 'How often each peer reports that it lives.',
    }),
    ttlMs: durationMs({
      default: '35s',
      min: '200ms',
      max: '1h',
      description: 'A peer that was silent for so long is dropped.',
    }),
  }),
  handout: section({
    sample: integer({ default: 48, min: 1, max: 1000, description: 'Members of a swarm that one handout looks at.' }),
    degreeMax: integer({
      default: 40,
      min: 1,
      max: 1000,
      description: 'Members with as many neighbours are not handed out to those who announce.',
    }),
  }),
  limits: section({
    bodyBytesMax: bytes({
      default: '1MiB',
      min: '1KiB',
      max: '64MiB',
      description: 'Longest body of a request; longer ones get 413.',
    }),
    requestsMax: integer({ default: 2000, min: 1, description: 'Requests under way at once; more get 503.' }),
    requestsPerSecondMax: integer({
      default: 50,
      min: 1,
      description: 'Requests of one peer a second, in the mean; more get 429.',
    }),
    peersMax: integer({ default: 100_000, min: 1, description: 'Peers in the memory store; further ones get 503.' }),
    swarmsMax: integer({
      default: 500_000,
      min: 1,
      description: 'Swarms in the memory store; further ones are not kept.',
    }),
    membersPerSwarmMax: integer({
      default: 20_000,
      min: 1,
      description: 'Members kept of one swarm; further peers are handed others but are not handed out.',
    }),
    swarmsPerPeerMax: integer({
      default: 2000,
      min: 1,
      description: 'Swarms one peer is kept in; further ones are not kept.',
    }),
  }),
});

export type TrackerConfig = Static<typeof schema>;

/** Where peers are kept; the first of url, sentinels and clusterNodes that is set decides. */
export const usesRedis = ({ redis }: TrackerConfig): boolean => redisKeys(redis).length > 0;

const redisKeys = (redis: TrackerConfig['redis']): string[] => [
  ...(redis.url === undefined ? [] : ['redis.url']),
  ...(redis.sentinels.length > 0 ? ['redis.sentinels'] : []),
  ...(redis.clusterNodes.length > 0 ? ['redis.clusterNodes'] : []),
];

const check = (config: TrackerConfig): ConfigProblem[] => {
  const { redis, replicas, heartbeat, ui } = config;
  const problems = checkBase(config, { api: config.api });
  const keys = redisKeys(redis);
  if (replicas > 1 && keys.length === 0) {
    problems.push({
      key: 'replicas',
      value: replicas,
      allowed:
        "allowed is 1 as long as the peers are kept in memory: trackers in memory do not know each other's peers; set redis.url, redis.sentinels or redis.clusterNodes",
    });
  }
  for (const key of keys.slice(1))
    problems.push({
      key,
      value: 'set',
      allowed: `allowed is one of redis.url, redis.sentinels and redis.clusterNodes; ${keys[0]} is set too`,
    });
  if (redis.sentinels.length > 0 && redis.sentinelMaster === undefined) {
    problems.push({
      key: 'redis.sentinelMaster',
      value: undefined,
      allowed: 'needed is the name of the server that redis.sentinels watch',
    });
  }
  if (ui.enabled && ui.password === undefined && !isLoopbackHost(ui.host)) {
    problems.push({
      key: 'ui.host',
      value: ui.host,
      allowed: 'allowed is a loopback address as long as ui.password (or ui.passwordFile) is not set',
    });
  }
  if (heartbeat.ttlMs < 2 * heartbeat.intervalMs) {
    problems.push({
      key: 'heartbeat.ttlMs',
      value: heartbeat.ttlMs,
      allowed: `allowed is at least twice heartbeat.intervalMs (${heartbeat.intervalMs} ms): one lost heartbeat is no death`,
    });
  }
  return problems;
};

export const trackerConfig = defineConfig({ service: 'tracker', schema, check });
