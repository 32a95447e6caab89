import { Cluster, Redis } from 'ioredis';
import type { CommonRedisOptions } from 'ioredis';
import type { TrackerConfig } from '../../config.ts';
import { StoreUnavailableError } from '../peer-store.ts';

export type RedisConnection = Redis | Cluster;

export interface ConnectionEvents {
  readonly connected: () => void;
  readonly disconnected: (reason: string) => void;
}

const reconnectMsMax = 2000;
const reconnectMs = (attempt: number): number =>
  Math.min(50 * 2 ** Math.min(attempt, 6), reconnectMsMax) * (0.75 + Math.random() / 2);

/**
 * A connection that is kept up for as long as the process runs: one server, Sentinel or Cluster. A command that
 * can't be sent at once, or is not answered in time, fails; nothing is queued while Redis is away.
 */
export const connectRedis = (config: TrackerConfig['redis'], events: ConnectionEvents): RedisConnection => {
  const redis = createClient(config);
  let lastReason: string | undefined;
  redis.on('ready', () => {
    lastReason = undefined;
    events.connected();
  });
  // One line a change, not one a reconnection attempt.
  const down = (reason: string): void => {
    if (reason !== lastReason) events.disconnected(reason);
    lastReason = reason;
  };
  redis.on('error', (error: Error) => down(reasonOf(error)));
  redis.on('close', () => down(lastReason ?? 'the connection was closed'));
  redis.connect().catch(() => {});
  return redis;
};

const createClient = ({
  url,
  sentinels,
  sentinelMaster,
  clusterNodes,
  password,
  timeoutMs,
}: TrackerConfig['redis']): RedisConnection => {
  const options = {
    lazyConnect: true,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    enableAutoPipelining: true,
    // The slot of a script is that of its first key, which is not its first argument.
    autoPipeliningIgnoredCommands: ['eval', 'evalsha'],
    ...(password !== undefined && { password }),
  } satisfies CommonRedisOptions & { lazyConnect: boolean };
  if (clusterNodes.length > 0) {
    const { lazyConnect, enableOfflineQueue, enableAutoPipelining, autoPipeliningIgnoredCommands, ...redisOptions } =
      options;
    return new Cluster([...clusterNodes], {
      lazyConnect,
      enableOfflineQueue,
      enableAutoPipelining,
      autoPipeliningIgnoredCommands,
      redisOptions,
      slotsRefreshTimeout: timeoutMs,
      clusterRetryStrategy: reconnectMs,
    });
  }
  const retried = { ...options, retryStrategy: reconnectMs };
  if (sentinels.length > 0) return new Redis({ ...retried, sentinels: [...sentinels], name: sentinelMaster ?? '' });
  return new Redis(url ?? '', retried);
};

/** A failure of Redis in words that hold no password. */
export const unavailable = (error: unknown): StoreUnavailableError =>
  new StoreUnavailableError(`redis: ${reasonOf(error as Error)}`, error);

const reasonOf = (error: Error): string => {
  const first = error instanceof AggregateError ? (error.errors[0] as Error) : error;
  if (/offline queue|Connection is closed|maxRetriesPerRequest/i.test(first.message)) return 'not connected';
  return (first.message || String((first as NodeJS.ErrnoException).code ?? first.name)).replaceAll(
    /\/\/[^@\s]*@/g,
    '//',
  );
};
