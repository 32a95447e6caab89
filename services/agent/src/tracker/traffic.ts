import type { SwarmId } from '@shoal/core';
import type { ExchangeEvents } from '@shoal/exchange';

/** Swarms whose bytes are counted apart; beyond, the one that was counted first is forgotten. */
const swarmsMax = 4096;

/** Payload bytes of this node since its start, as its reports tell them. */
export class Traffic {
  sentBytes = 0;
  receivedBytes = 0;
  readonly #sent = new Map<SwarmId, number>();

  /** Counts what passes on its way to `events`. */
  counting(events: ExchangeEvents): ExchangeEvents {
    return {
      ...events,
      pieceReceived: (source, bytes, swarm, zone) => {
        this.receivedBytes += bytes;
        events.pieceReceived?.(source, bytes, swarm, zone);
      },
      bytesSent: (role, bytes, swarm) => {
        this.sentBytes += bytes;
        this.#sent.set(swarm, this.sentOf(swarm) + bytes);
        if (this.#sent.size > swarmsMax) this.#sent.delete(this.#sent.keys().next().value as SwarmId);
        events.bytesSent?.(role, bytes, swarm);
      },
    };
  }

  sentOf(swarm: SwarmId): number {
    return this.#sent.get(swarm) ?? 0;
  }
}
