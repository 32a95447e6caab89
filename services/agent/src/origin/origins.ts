import type { OriginAnswer } from './answer.ts';
import { AbsentError, type OriginClient } from './origin-client.ts';

/** An origin that failed is asked last for this long. */
const distrustMs = 5_000;

export interface OriginsEvents {
  originFailed(url: string, reason: string): void;
}

/**
 * The configured origins, asked in turn: those that answered lately first, in the order of the
 * configuration. One that failed is still asked when no other is left.
 */
export class Origins {
  readonly clients: readonly OriginClient[];
  readonly #clock: () => number;
  readonly #events: OriginsEvents;
  readonly #failedAtMs = new Map<OriginClient, number>();

  constructor(o: { clients: readonly OriginClient[]; clock: () => number; events: OriginsEvents }) {
    this.clients = o.clients;
    this.#clock = o.clock;
    this.#events = o.events;
  }

  /** The first origin's value. `absent` when an origin says so and none has it. Never rejects. */
  async ask<T>(question: (client: OriginClient) => Promise<T>): Promise<OriginAnswer<T>> {
    let absent = false;
    let reason = 'no origin is configured';
    for (const client of this.#inTurn()) {
      try {
        const value = await question(client);
        this.#failedAtMs.delete(client);
        return { kind: 'found', value, origin: client.url };
      } catch (error) {
        if (error instanceof AbsentError) {
          this.#failedAtMs.delete(client);
          absent = true;
          continue;
        }
        reason = `${client.url}: ${(error as Error).message}`;
        this.#failedAtMs.set(client, this.#clock());
        this.#events.originFailed(client.url, (error as Error).message);
      }
    }
    return absent ? { kind: 'absent' } : { kind: 'unreachable', reason };
  }

  /** How many origins answered when last asked, or were never asked. */
  get reachable(): number {
    return this.clients.length - this.#failedAtMs.size;
  }

  #inTurn(): OriginClient[] {
    const nowMs = this.#clock();
    const distrusted = (client: OriginClient): boolean =>
      nowMs - (this.#failedAtMs.get(client) ?? -Infinity) < distrustMs;
    return [...this.clients.filter((client) => !distrusted(client)), ...this.clients.filter(distrusted)];
  }
}
