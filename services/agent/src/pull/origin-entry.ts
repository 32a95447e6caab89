import type { PeerEntry } from '@shoal/protocol';

/**
 * How long the tracker's answer is waited for: peers come before origins where there are any. Long enough for a tracker
 * that is silent, and another one that answers in its place.
 */
const trackerGraceMs = 1_000;
/** The same where no tracker answered when last asked: a pull must not wait for what does not come. */
const doubtfulGraceMs = 150;
/** How long complete peers have the word alone, before an origin helps. */
const seedsAloneMs = 1_000;

/** The origins of this node's zone and those without one, or all. */
export type OriginReach = 'near' | 'all';

/**
 * When a download turns to the origins in the swarm: at once where no peer has the whole blob, so that new pieces
 * enter the swarm; a little later where some do, so that an image that is on the nodes does not load the origin. In a
 * zone whose bytes come in through others only the near ones, as long as the zone delivers.
 */
export class OriginEntry {
  readonly #enter: (reach: OriginReach) => void;
  #timer: NodeJS.Timeout | undefined;
  #answered = false;
  #entered: OriginReach | undefined;
  #gateway: boolean | undefined;

  constructor({ trackersAnswer, enter }: { trackersAnswer: boolean; enter: (reach: OriginReach) => void }) {
    this.#enter = enter;
    this.#arm(trackersAnswer ? trackerGraceMs : doubtfulGraceMs);
  }

  /** The tracker's answer is waited for: that there are no sources says nothing yet. */
  get waiting(): boolean {
    return this.#timer !== undefined && !this.#answered;
  }

  /** Bytes enter the zone of this node through others. */
  get sheltered(): boolean {
    return this.#gateway === false;
  }

  /** Who the tracker named, and whether this node is a gateway of its zone. */
  peers(entries: readonly PeerEntry[], gateway?: boolean): void {
    this.#gateway = gateway;
    if (this.#entered === 'near' && !this.sheltered) this.#go('all');
    if (this.#answered) return;
    this.#answered = true;
    const seeds = entries.some(({ complete, role }) => complete && role === 'agent');
    if (!this.#timer) return;
    if (seeds) this.#arm(seedsAloneMs);
    else this.now();
  }

  /** No tracker answered: there is nobody to wait for. */
  unanswered(): void {
    if (this.waiting) this.#go('all');
  }

  /** The peers do not do. */
  now(): void {
    if (this.#timer && this.#answered) this.#go(this.sheltered ? 'near' : 'all');
  }

  /** Neither peers nor near origins deliver. */
  far(): void {
    if (this.#entered !== 'all') this.#go('all');
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#entered = 'all';
  }

  #go(reach: OriginReach): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#entered = reach;
    this.#enter(reach);
  }

  #arm(inMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#go(this.sheltered ? 'near' : 'all'), inMs);
    this.#timer.unref();
  }
}
