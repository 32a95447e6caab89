import type { Digest, SwarmId } from '@shoal/core';
import type { AnnounceResponse, PeerEntry, SwarmAnnounce } from '@shoal/protocol';
import { AnnounceBook, type AnnounceLimits, type BookedSwarm } from './announce-book.ts';

export interface AnnounceClient {
  /** @throws when no tracker answered */
  announce(swarms: readonly SwarmAnnounce[]): Promise<AnnounceResponse>;
  /** Why the last request of any kind failed at every tracker; undefined when one answered. */
  readonly lastError?: string | undefined;
}

/** A swarm of this node, and who takes the peers that the tracker hands out for it. */
export interface AnnouncedSwarm extends BookedSwarm {
  readonly digest?: Digest | undefined;
  /** `gateway`: see AnnounceResponse. */
  peers?(entries: readonly PeerEntry[], gateway: AnnounceResponse['swarms'][number]['gateway']): void;
  /** The announce reached no tracker; it is sent again later. */
  unanswered?(): void;
}

export interface AnnouncerEvents {
  announceFailed(reason: string, swarms: number): void;
  announcedAgain(swarms: number): void;
}

const retryMinMs = 500;
const retryMaxMs = 10_000;
/** Between two announces of everything. */
const againMinMs = 1_000;

/** Tells the trackers which swarms this node is in: batched, one request at a time, again after failures. */
export class Announcer {
  readonly #book: AnnounceBook;
  readonly #client: AnnounceClient;
  readonly #events: AnnouncerEvents;
  readonly #clock: () => number;
  readonly #receivers = new Map<SwarmId, AnnouncedSwarm>();
  #timer: NodeJS.Timeout | undefined;
  #againMs = -Infinity;
  #sending: Promise<void> | undefined;
  #retryMs = retryMinMs;
  #stopped = false;

  constructor(o: {
    client: AnnounceClient;
    events: AnnouncerEvents;
    limits: AnnounceLimits;
    clock: () => number;
    prng: () => number;
  }) {
    this.#book = new AnnounceBook({ limits: o.limits, prng: o.prng });
    this.#client = o.client;
    this.#events = o.events;
    this.#clock = o.clock;
  }

  get announcedCount(): number {
    return this.#book.announcedCount;
  }

  /** Swarms whose news no tracker has taken so far; those of a batch under way have left. */
  get waitingCount(): number {
    return this.#book.pendingCount;
  }

  /** Memberships that a tracker has confirmed; those of a batch under way do not count yet. */
  get confirmedCount(): number {
    return this.#sending ? 0 : this.#book.toldCount;
  }

  /** Whether a tracker can be expected to answer: one did when last asked, or none was asked yet. */
  get trackersAnswer(): boolean {
    return this.#client.lastError === undefined;
  }

  join(swarm: AnnouncedSwarm): void {
    this.#receivers.set(swarm.swarm, swarm);
    this.#book.enter(swarm, 'join', this.#clock());
    this.#arm();
  }

  complete(swarm: AnnouncedSwarm): void {
    this.#receivers.delete(swarm.swarm);
    this.#book.enter(swarm, 'complete', this.#clock());
    this.#arm();
  }

  tell(swarm: SwarmId, event: 'progress' | 'starved'): void {
    this.#book.tell(swarm, event, this.#clock());
    this.#arm();
  }

  /** False when the swarm was not entered. */
  touch(swarm: SwarmId): boolean {
    const known = this.#book.touch(swarm, this.#clock());
    this.#arm();
    return known;
  }

  leave(swarm: SwarmId): void {
    this.#receivers.delete(swarm);
    this.#book.leave(swarm, this.#clock());
    this.#arm();
  }

  /** Not more often than a tracker needs: one that always asks for it gets no storm. */
  announceAll(): void {
    const nowMs = this.#clock();
    if (this.#book.announcedCount === 0 || nowMs - this.#againMs < againMinMs) return;
    this.#againMs = nowMs;
    this.#events.announcedAgain(this.#book.announcedCount);
    this.#book.announceAll(nowMs);
    this.#arm();
  }

  /** Says goodbye to every swarm; gives up at the first failure, as trackers drop silent peers by themselves. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#sending;
    this.#book.leaveAll(this.#clock());
    const laterMs = this.#clock() + retryMaxMs;
    for (let batch = this.#book.take(laterMs); batch.length > 0; batch = this.#book.take(laterMs)) {
      try {
        await this.#client.announce(batch);
      } catch {
        return;
      }
    }
  }

  #arm(): void {
    if (this.#stopped || this.#sending) return;
    clearTimeout(this.#timer);
    const waitMs = this.#book.nextTimeoutMs(this.#clock());
    if (waitMs === undefined) return;
    this.#timer = setTimeout(() => {
      this.#sending = this.#send().finally(() => {
        this.#sending = undefined;
        this.#arm();
      });
    }, waitMs);
    this.#timer.unref();
  }

  async #send(): Promise<void> {
    const batch = this.#book.take(this.#clock());
    if (batch.length === 0) return;
    try {
      const answer = await this.#client.announce(batch);
      this.#retryMs = retryMinMs;
      for (const { swarm, peers, gateway } of answer.swarms) this.#receivers.get(swarm)?.peers?.(peers, gateway);
      if (answer.again) this.announceAll();
    } catch (error) {
      this.#events.announceFailed((error as Error).message, batch.length);
      this.#book.putBack(batch, this.#clock() + this.#retryMs);
      this.#retryMs = Math.min(this.#retryMs * 2, retryMaxMs);
      for (const { swarm } of batch) this.#receivers.get(swarm)?.unanswered?.();
    }
  }
}
