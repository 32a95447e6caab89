import type { OriginAnswer } from './answer.ts';
import type { RepositoryName } from '@shoal/core';
import { parseUpstreamName } from '@shoal/registry';
import { owners } from '@shoal/ring';
import { ClusterAnswerError } from '@shoal/service';
import { AbsentError, OriginBusyError, type OriginClient } from './origin-client.ts';

/** An origin that failed is asked last for this long. */
const distrustMs = 5_000;

export interface OriginsEvents {
  originFailed(url: string, reason: string): void;
  originAnswered(url: string): void;
}

interface Failure {
  readonly atMs: number;
  readonly reason: string;
}

/**
 * The configured origins, asked in turn: those that answered lately first, in the order of the
 * configuration, or of the key that decides which of them fetches what comes from elsewhere. One that failed is still asked
 * when no other is left.
 */
export class Origins {
  readonly clients: readonly OriginClient[];
  readonly #clock: () => number;
  readonly #events: OriginsEvents;
  readonly #idOf: (url: string) => string | undefined;
  readonly #failures = new Map<OriginClient, Failure>();

  /** `idOf` knows the id of the origin at a URL, once it was met. */
  constructor(o: {
    clients: readonly OriginClient[];
    clock: () => number;
    events: OriginsEvents;
    idOf?: (url: string) => string | undefined;
  }) {
    this.clients = o.clients;
    this.#idOf = o.idOf ?? (() => undefined);
    this.#clock = o.clock;
    this.#events = o.events;
  }

  /**
   * The first origin's value, the owners of `key` first. `absent` when an origin says so and none has it. Never rejects.
   */
  async ask<T>(question: (client: OriginClient) => Promise<T>, key?: string): Promise<OriginAnswer<T>> {
    let absent: string | undefined;
    let reason: string | undefined;
    let restMs = Infinity;
    for (const client of this.#inTurn(key)) {
      try {
        const value = await question(client);
        this.answered(client);
        return { kind: 'found', value, origin: client.url };
      } catch (error) {
        if (error instanceof AbsentError) {
          this.answered(client);
          absent = error.message;
          continue;
        }
        reason = `${client.url}: ${(error as Error).message}`;
        if (error instanceof OriginBusyError) restMs = Math.min(restMs, error.retryAfterMs);
        // The origin itself is well: it has enough to do, or the registry behind it does not answer.
        if (isWell(error)) this.answered(client);
        else this.failed(client, (error as Error).message);
      }
    }
    if (absent !== undefined)
      return {
        kind: 'absent',
        ...(reason !== undefined && { doubt: reason }),
        ...(absent !== '' && { reason: absent }),
      };
    const unreachable = { kind: 'unreachable', reason: reason ?? 'no origin is configured' } as const;
    return restMs === Infinity ? unreachable : { ...unreachable, retryAfterMs: restMs };
  }

  answered(client: OriginClient): void {
    this.#failures.delete(client);
    this.#events.originAnswered(client.url);
  }

  failed(client: OriginClient, reason: string): void {
    this.#failures.set(client, { atMs: this.#clock(), reason });
    this.#events.originFailed(client.url, reason);
  }

  /** Which origins did not answer when last asked, and why; undefined when all did. */
  get missing(): string | undefined {
    const missing = [...this.#failures].map(([{ url }, { reason }]) => `${url}: ${reason}`);
    return missing.length > 0 ? missing.join('; ') : undefined;
  }

  /** How many origins answered when last asked, or were never asked. */
  get reachable(): number {
    return this.clients.length - this.#failures.size;
  }

  #inTurn(key: string | undefined): OriginClient[] {
    const clients = key === undefined || this.clients.length === 1 ? this.clients : this.#byOwner(key);
    const nowMs = this.#clock();
    const distrusted = (client: OriginClient): boolean =>
      nowMs - (this.#failures.get(client)?.atMs ?? -Infinity) < distrustMs;
    return [...clients.filter((client) => !distrusted(client)), ...clients.filter(distrusted)];
  }

  #byOwner(key: string): OriginClient[] {
    const order = owners(
      key,
      this.clients.flatMap(({ url }) => this.#idOf(url) ?? []),
      this.clients.length,
    );
    const placeOf = ({ url }: OriginClient): number => {
      const id = this.#idOf(url);
      return id === undefined ? Infinity : order.indexOf(id);
    };
    const places = new Map(this.clients.map((client) => [client, placeOf(client)]));
    return this.clients.toSorted((a, b) => compare(places.get(a) ?? 0, places.get(b) ?? 0));
  }
}

const compare = (a: number, b: number): number => (a === b ? 0 : a - b);

/**
 * The key for `Origins.ask` of content that the origins may have to fetch from another registry: tags and manifests go by
 * the repository, blobs by their digest. Undefined for what is pushed to the cluster's own registry.
 */
export const ownerKey = (repository: string, key: string): string | undefined =>
  parseUpstreamName(repository as RepositoryName) ? key : undefined;

const isWell = (error: unknown): boolean =>
  error instanceof OriginBusyError || (error instanceof ClusterAnswerError && error.answerStatus === 502);
