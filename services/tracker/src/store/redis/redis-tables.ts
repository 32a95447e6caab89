import { type Tables, tableTtlMs } from '../tables.ts';
import { type RedisConnection, unavailable } from './connection.ts';
import type { Keys } from './keys.ts';

/** A hash each. @throws StoreUnavailableError */
export class RedisTables implements Tables {
  readonly #redis: RedisConnection;
  readonly #keys: Keys;

  constructor(redis: RedisConnection, keys: Keys) {
    this.#redis = redis;
    this.#keys = keys;
  }

  async get(table: string, field: string): Promise<string | undefined> {
    return (await guarded(this.#redis.hget(this.#keys.table(table), field))) ?? undefined;
  }

  async all(table: string): Promise<ReadonlyMap<string, string>> {
    return new Map(Object.entries(await guarded(this.#redis.hgetall(this.#keys.table(table)))));
  }

  async set(table: string, entries: ReadonlyMap<string, string>): Promise<void> {
    if (entries.size === 0) return;
    const key = this.#keys.table(table);
    await guarded(
      Promise.all([this.#redis.hset(key, Object.fromEntries(entries)), this.#redis.pexpire(key, tableTtlMs)]),
    );
  }

  async add(table: string, field: string, value: string): Promise<boolean> {
    const key = this.#keys.table(table);
    const added = await guarded(this.#redis.hsetnx(key, field, value));
    await guarded(this.#redis.pexpire(key, tableTtlMs));
    return added === 1;
  }

  async remove(table: string, fields: readonly string[]): Promise<void> {
    if (fields.length > 0) await guarded(this.#redis.hdel(this.#keys.table(table), ...fields));
  }
}

const guarded = async <T>(command: Promise<T>): Promise<T> => {
  try {
    return await command;
  } catch (error) {
    throw unavailable(error);
  }
};
