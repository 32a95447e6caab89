import type { Digest, Prng, SwarmId } from '@shoal/core';
import type { AnnounceEvent, SwarmAnnounce } from '@shoal/protocol';

/** A swarm this node is in; `status` is read at the moment an announce leaves. */
export interface BookedSwarm {
  readonly swarm: SwarmId;
  readonly digest?: Digest | undefined;
  status(): Pick<SwarmAnnounce, 'have' | 'pieces' | 'degree' | 'want'>;
}

export interface AnnounceLimits {
  /** Complete swarms the tracker is told of: the most recently used ones. */
  readonly seedsMax: number;
  /** Swarms of one request. */
  readonly batchMax: number;
  /** Over how long "announce all again" is spread. */
  readonly againSpreadMs: number;
}

/** How long an event may wait for company; the joins of one image's layers leave together. */
const batchingMs: Record<AnnounceEvent, number> = { join: 5, starved: 50, complete: 100, leave: 100, progress: 1000 };

/** A pending event absorbs one that says less. */
const rank: Record<AnnounceEvent, number> = { progress: 0, starved: 1, join: 2, complete: 3, leave: 4 };

interface Entry {
  readonly booked: BookedSwarm;
  readonly complete: boolean;
}

interface Pending {
  readonly booked: BookedSwarm;
  readonly event: AnnounceEvent;
  readonly dueMs: number;
}

/**
 * Which announces are due, without a clock or a socket of its own. At most one event a swarm is pending, so
 * the book stays as small as the cache, however long every tracker is down.
 */
export class AnnounceBook {
  /** Known to the tracker, or about to be; in order of use, the least recently used first. */
  readonly #announced = new Map<SwarmId, Entry>();
  /** Seeds beyond the cap: this node serves them to who asks, but does not advertise them. */
  readonly #quiet = new Map<SwarmId, BookedSwarm>();
  readonly #pending = new Map<SwarmId, Pending>();
  readonly #limits: AnnounceLimits;
  readonly #prng: Prng;
  #seeds = 0;

  constructor(o: { limits: AnnounceLimits; prng: Prng }) {
    this.#limits = o.limits;
    this.#prng = o.prng;
  }

  /** Enters a swarm with its first announce: `join` for a download, `complete` for a seed. */
  enter(booked: BookedSwarm, event: 'join' | 'complete', nowMs: number): void {
    this.#remove(booked.swarm);
    this.#announced.set(booked.swarm, { booked, complete: event === 'complete' });
    if (event === 'complete') this.#seeds++;
    this.#queue(booked, event, nowMs);
    if (this.#seeds > this.#limits.seedsMax) this.#quietOldestSeed(nowMs);
  }

  /** News of a swarm that was entered; others are ignored. */
  tell(swarm: SwarmId, event: 'progress' | 'starved', nowMs: number): void {
    const entry = this.#announced.get(swarm);
    if (entry) this.#queue(entry.booked, event, nowMs);
  }

  /** Somebody used what the swarm holds; false when it was not entered. A seed beyond the cap is advertised again. */
  touch(swarm: SwarmId, nowMs: number): boolean {
    const quiet = this.#quiet.get(swarm);
    const entry = this.#announced.get(swarm);
    if (quiet) this.enter(quiet, 'complete', nowMs);
    if (entry) {
      this.#announced.delete(swarm);
      this.#announced.set(swarm, entry);
    }
    return quiet !== undefined || entry !== undefined;
  }

  leave(swarm: SwarmId, nowMs: number): void {
    const entry = this.#announced.get(swarm);
    this.#remove(swarm);
    if (entry) this.#queue(entry.booked, 'leave', nowMs);
  }

  /** The tracker has forgotten this node: downloads at once, then the seeds, most recently used first. */
  announceAll(nowMs: number): void {
    const entries = [...this.#announced.values()].toReversed();
    const seeds = entries.filter(({ complete }) => complete);
    for (const { booked, complete } of entries) if (!complete) this.#queue(booked, 'join', nowMs);
    const batches = Math.ceil(seeds.length / this.#limits.batchMax);
    for (const [index, { booked }] of seeds.entries()) {
      const batch = Math.floor(index / this.#limits.batchMax);
      this.#queue(booked, 'complete', nowMs + (this.#limits.againSpreadMs * (batch + this.#prng())) / batches);
    }
  }

  /** What is due, at most a batch; no longer pending then. What is nearly due goes along, to save a request. */
  take(nowMs: number): SwarmAnnounce[] {
    const byDue = [...this.#pending.values()].toSorted((a, b) => a.dueMs - b.dueMs);
    if (byDue[0] === undefined || byDue[0].dueMs > nowMs) return [];
    const soon = byDue.filter(({ dueMs }) => dueMs <= nowMs + batchingMs.complete).slice(0, this.#limits.batchMax);
    return soon.map(({ booked, event }) => {
      this.#pending.delete(booked.swarm);
      const { swarm, digest } = booked;
      return { swarm, ...(digest && { digest }), event, ...booked.status() };
    });
  }

  /** A batch that reached no tracker is pending again from `retryMs` on, unless there is newer news. */
  putBack(batch: readonly SwarmAnnounce[], retryMs: number): void {
    for (const { swarm, digest, event, have, pieces } of batch) {
      const booked = this.#announced.get(swarm)?.booked;
      if (this.#pending.has(swarm) || this.#pending.size >= this.#pendingMax) continue;
      if (!booked && event !== 'leave') continue;
      const gone: BookedSwarm = { swarm, digest, status: () => ({ have, pieces, degree: 0, want: 0 }) };
      this.#pending.set(swarm, { booked: booked ?? gone, event, dueMs: retryMs });
    }
  }

  /** Milliseconds until something is due; undefined when nothing is pending. */
  nextTimeoutMs(nowMs: number): number | undefined {
    let nextMs = Infinity;
    for (const { dueMs } of this.#pending.values()) nextMs = Math.min(nextMs, dueMs);
    return nextMs === Infinity ? undefined : Math.max(0, nextMs - nowMs);
  }

  get announcedCount(): number {
    return this.#announced.size;
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  /** Swarms entered that no announce is pending for: what a tracker that answered the last batch has heard of. */
  get toldCount(): number {
    let pending = 0;
    for (const swarm of this.#pending.keys()) if (this.#announced.has(swarm)) pending++;
    return this.#announced.size - pending;
  }

  /** Leaves every swarm: what a graceful stop tells the tracker, in batches. */
  leaveAll(nowMs: number): void {
    for (const swarm of [...this.#announced.keys()]) this.leave(swarm, nowMs);
  }

  get #pendingMax(): number {
    return this.#announced.size + this.#limits.seedsMax;
  }

  #queue(booked: BookedSwarm, event: AnnounceEvent, fromMs: number): void {
    const before = this.#pending.get(booked.swarm);
    const back = before?.event === 'leave' && event !== 'leave';
    const keep = before !== undefined && !back && rank[before.event] > rank[event];
    const dueMs = Math.min(fromMs + this.#prng() * batchingMs[event], before?.dueMs ?? Infinity);
    if (!before && this.#pending.size >= this.#pendingMax && event === 'leave') return;
    this.#pending.set(booked.swarm, { booked, event: keep ? before.event : event, dueMs });
  }

  #remove(swarm: SwarmId): void {
    if (this.#announced.get(swarm)?.complete) this.#seeds--;
    this.#announced.delete(swarm);
    this.#quiet.delete(swarm);
  }

  #quietOldestSeed(nowMs: number): void {
    for (const [swarm, { booked, complete }] of this.#announced) {
      if (!complete) continue;
      this.leave(swarm, nowMs);
      this.#quiet.set(swarm, booked);
      return;
    }
  }
}
