import type { OriginAnswer } from './answer.ts';
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
 * configuration. One that failed is still asked when no other is left.
 */
export class Origins {
  readonly clients: readonly OriginClient[];
  readonly #clock: () => number;
  readonly #events: OriginsEvents;
  readonly #failures = new Map<OriginClient, Failure>();

  constructor(o: { clients: readonly OriginClient[]; clock: () => number; events: OriginsEvents }) {
    this.clients = o.clients;
    this.#clock = o.clock;
    this.#events = o.events;
  }

  /** The first origin's value. `absent` when an origin says so and none has it. Never rejects. */
  async ask<T>(question: (client: OriginClient) => Promise<T>): Promise<OriginAnswer<T>> {
    let absent: string | undefined;
    let reason: string | undefined;
    let restMs = Infinity;
    for (const client of this.#inTurn()) {
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

  #inTurn(): OriginClient[] {
    const nowMs = this.#clock();
    const distrusted = (client: OriginClient): boolean =>
      nowMs - (this.#failures.get(client)?.atMs ?? -Infinity) < distrustMs;
    return [...this.clients.filter((client) => !distrusted(client)), ...this.clients.filter(distrusted)];
  }
}

const isWell = (error: unknown): boolean =>
  error instanceof OriginBusyError || (error instanceof ClusterAnswerError && error.answerStatus === 502);
