import type { PieceIndex } from '@shoal/core';
import type { PeerHandle } from './peer.ts';
import type { SwarmHandle, UploadRank } from './upload-types.ts';

/** A waiting REQUEST, or a waiting credit (`piece` undefined). */
export interface Waiting {
  readonly peer: PeerHandle;
  readonly swarm: SwarmHandle;
  readonly piece: PieceIndex | undefined;
  readonly small: boolean;
  readonly availability: number;
  readonly held: number;
  /** Counts up with every entry: who came first. */
  readonly number: number;
  /** `#starts` when it came: how often it was passed over. */
  readonly sinceStart: number;
}

export interface Running {
  readonly swarm: SwarmHandle;
  /** Undefined for a served credit: its piece was chosen by SuperSeed. */
  readonly piece: PieceIndex | undefined;
  readonly small: boolean;
  readonly startedMs: number;
}

/** Requests of one peer, small or large, in the order in which they came; and how many of the kind run. */
interface Lane {
  waiting: Waiting[];
  running: number;
}

interface Line {
  readonly small: Lane;
  readonly large: Lane;
  readonly running: Running[];
}

/** Which lanes may start something. */
export interface Openings {
  readonly small: boolean;
  readonly large: boolean;
  readonly starts: number;
}

type Key = Pick<Waiting, 'peer' | 'swarm' | 'piece'>;

/** Nobody is passed over more often: a common piece that a reader waits for must come through. */
const passedOverMax = 32;
/** Every client waits for the first piece of its blob before it sees a byte: it goes before rarer ones. */
const firstPiece = 0;
/** A second transfer on one connection keeps it busy between two pieces; a third adds nothing. Counted for each lane. */
const runningPerPeerMax = 2;

/**
 * What waits and what runs, by peer: a peer that is busy, and a lane that is closed, cost a look and not one for each of
 * their entries. Ranks change while entries wait, so that a pass asks for the rank of each entry that may start, once.
 */
export class UploadLines {
  readonly #rank: UploadRank | undefined;
  readonly #lines = new Map<PeerHandle, Line>();
  readonly #waiting = { small: 0, large: 0 };
  readonly #running = { small: 0, large: 0 };

  constructor(rank: UploadRank | undefined) {
    this.#rank = rank;
  }

  get waiting(): number {
    return this.#waiting.small + this.#waiting.large;
  }

  get runningSmall(): number {
    return this.#running.small;
  }

  get runningLarge(): number {
    return this.#running.large;
  }

  /** Transfers that hold a slot: not those of a blob at its own limit, which go on when it lets them. */
  slotsTaken(): Readonly<Record<'small' | 'large', number>> {
    if (!this.#rank?.saturated) return this.#running;
    const taken = { ...this.#running };
    for (const { running } of this.#lines.values())
      for (const kind of kinds) taken[kind] -= this.#heldBack(running, kind);
    return taken;
  }

  waitingOf(peer: PeerHandle): number {
    const line = this.#lines.get(peer);
    return line ? line.small.waiting.length + line.large.waiting.length : 0;
  }

  runningOf(peer: PeerHandle): readonly Running[] {
    return this.#lines.get(peer)?.running ?? [];
  }

  /** Whether the same waits or runs. */
  has({ peer, swarm, piece }: Key): boolean {
    const line = this.#lines.get(peer);
    const same = (other: Omit<Key, 'peer'>): boolean => other.piece === piece && other.swarm === swarm;
    return (
      line !== undefined && (line.small.waiting.some(same) || line.large.waiting.some(same) || line.running.some(same))
    );
  }

  add(entry: Waiting): void {
    const kind = kindOf(entry);
    this.#lineOf(entry.peer)[kind].waiting.push(entry);
    this.#waiting[kind]++;
  }

  /** Forgets what waits of this peer, or of all without one, and matches. */
  forget(peer: PeerHandle | undefined, matches: (entry: Waiting) => boolean): void {
    for (const each of peer === undefined ? [...this.#lines.keys()] : [peer]) {
      const line = this.#lines.get(each);
      if (!line) continue;
      for (const kind of kinds) {
        const lane = line[kind];
        const before = lane.waiting.length;
        lane.waiting = lane.waiting.filter((entry) => !matches(entry));
        this.#waiting[kind] -= before - lane.waiting.length;
      }
      this.#dropIfEmpty(each, line);
    }
  }

  start(entry: Waiting, startedMs: number): void {
    const { peer, swarm, piece, small } = entry;
    const kind = kindOf(entry);
    const line = this.#lineOf(peer);
    line[kind].waiting.splice(line[kind].waiting.indexOf(entry), 1);
    this.#waiting[kind]--;
    line.running.push({ swarm, piece, small, startedMs });
    line[kind].running++;
    this.#running[kind]++;
  }

  /** The transfer that ended; undefined when there is none. */
  end({ peer, swarm, piece }: Key): Running | undefined {
    const line = this.#lines.get(peer);
    const index = line?.running.findIndex((transfer) => transfer.swarm === swarm && transfer.piece === piece) ?? -1;
    const [ended] = index < 0 ? [] : (line?.running.splice(index, 1) ?? []);
    if (!line || !ended) return undefined;
    const kind = kindOf(ended);
    line[kind].running--;
    this.#running[kind]--;
    this.#dropIfEmpty(peer, line);
    return ended;
  }

  /** The entry to start now: of idle connections, small pieces, the long passed over and first pieces, the rarest, the least complete; else first come. */
  next(openings: Openings): Waiting | undefined {
    const smallOpen = openings.small && this.#waiting.small > 0;
    const largeOpen = openings.large && this.#waiting.large > 0;
    if (!smallOpen && !largeOpen) return undefined;
    const choice = new Choice(this.#rank, openings.starts - passedOverMax);
    for (const { small, large, running } of this.#lines.values()) {
      const place = running.length > 0 ? 2 : 0;
      if (smallOpen && small.running - this.#heldBack(running, 'small') < runningPerPeerMax)
        choice.consider(small.waiting, place);
      if (largeOpen && large.running - this.#heldBack(running, 'large') < runningPerPeerMax)
        choice.consider(large.waiting, place + 1);
    }
    return choice.best;
  }

  #heldBack(running: readonly Running[], kind: 'small' | 'large'): number {
    if (!this.#rank?.saturated) return 0;
    let count = 0;
    for (const transfer of running) if (kindOf(transfer) === kind && this.#rank.saturated(transfer.swarm)) count++;
    return count;
  }

  #lineOf(peer: PeerHandle): Line {
    let line = this.#lines.get(peer);
    if (!line) {
      line = { small: { waiting: [], running: 0 }, large: { waiting: [], running: 0 }, running: [] };
      this.#lines.set(peer, line);
    }
    return line;
  }

  #dropIfEmpty(peer: PeerHandle, { small, large, running }: Line): void {
    if (small.waiting.length + large.waiting.length + running.length === 0) this.#lines.delete(peer);
  }
}

/** The best entry of one pass, with its rank. */
class Choice {
  best: Waiting | undefined;
  readonly #rank: UploadRank | undefined;
  /** Entries that came before this many starts were passed over too often. */
  readonly #lateBefore: number;
  #place = Infinity;
  #late = false;
  #availability = 0;
  #held = 0;
  /** Whose `#held` it is. */
  #heldFor: Waiting | undefined;

  constructor(rank: UploadRank | undefined, lateBefore: number) {
    this.#rank = rank;
    this.#lateBefore = lateBefore;
  }

  /** Entries of one lane; a lower place goes before a higher one whatever the ranks are. */
  consider(entries: readonly Waiting[], place: number): void {
    if (place > this.#place || entries.length === 0) return;
    let best = place < this.#place ? undefined : this.best;
    let late = this.#late;
    let availability = this.#availability;
    const lateBefore = this.#lateBefore;
    for (const entry of entries) {
      if (this.#rank?.saturated?.(entry.swarm)) continue;
      const entryLate = entry.sinceStart < lateBefore || entry.piece === firstPiece;
      if (best && late && !entryLate) continue;
      const rarity = this.#availabilityOf(entry);
      if (best && late === entryLate) {
        if (rarity > availability) continue;
        if (rarity === availability && !this.#before(entry, best)) continue;
      }
      best = entry;
      late = entryLate;
      availability = rarity;
      this.#heldFor = undefined;
    }
    if (!best) return;
    this.best = best;
    this.#place = place;
    this.#late = late;
    this.#availability = availability;
  }

  /** Of two that are equally rare. */
  #before(entry: Waiting, best: Waiting): boolean {
    if (this.#heldFor !== best) {
      this.#heldFor = best;
      this.#held = this.#heldOf(best);
    }
    const held = this.#heldOf(entry);
    return held === this.#held ? entry.number < best.number : held < this.#held;
  }

  #availabilityOf({ swarm, piece, availability }: Waiting): number {
    const rank = this.#rank;
    if (piece === undefined) return rank?.credit?.(swarm) ?? availability;
    return rank ? rank.availability(swarm, piece) : availability;
  }

  #heldOf({ swarm, peer, held }: Waiting): number {
    return this.#rank ? this.#rank.held(swarm, peer) : held;
  }
}

const kinds = ['small', 'large'] as const;
const kindOf = ({ small }: { small: boolean }): 'small' | 'large' => (small ? 'small' : 'large');
