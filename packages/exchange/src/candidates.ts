import { type Address, formatAddress, type PeerId } from '@shoal/core';
import type { PeerRole } from '@shoal/protocol';
import { DialError, type Link } from '@shoal/transport';
import { DialBackoffError } from './dialer.ts';
import type { ExchangeLimits } from './limits.ts';
import { MachineTimer } from './machine-timer.ts';
import type { LeftReason } from './neighbour.ts';

interface Candidate {
  readonly address: Address;
  readonly role: PeerRole;
  peerId: PeerId | undefined;
  /** `gone`: it left the swarm; it is tried again only when somebody names it anew. */
  state: 'idle' | 'dialling' | 'neighbour' | 'gone';
  retryAtMs: number;
  refusals: number;
}

export interface CandidatesOptions {
  readonly limits: ExchangeLimits;
  readonly clock: () => number;
  connect(address: Address): Promise<Link>;
  /** Joins the swarm on the link; false when a limit or a ban forbids it. */
  join(link: Link): boolean;
}

/** The addresses a download knows: keeps `neighboursOpen` agents of them, and every origin, as neighbours. */
export class Candidates {
  readonly #options: CandidatesOptions;
  readonly #candidates = new Map<string, Candidate>();
  readonly #timer: MachineTimer;
  #stopped = false;

  constructor(options: CandidatesOptions) {
    this.#options = options;
    this.#timer = new MachineTimer(options.clock, () => this.#refill());
  }

  /** Dials under way: a source may come of each. */
  get dialling(): number {
    return this.#count('dialling', 'agent') + this.#count('dialling', 'origin');
  }

  add(address: Address, role: PeerRole, peerId?: PeerId): void {
    if (this.#stopped) return;
    const key = formatAddress(address);
    const known = this.#candidates.get(key);
    if (known) {
      if (known.state === 'gone') known.state = 'idle';
      if (peerId !== undefined) known.peerId = peerId;
    } else {
      if (this.#candidates.size >= this.#options.limits.candidatesMax && !this.#dropOne()) return;
      this.#candidates.set(key, { address, role, peerId, state: 'idle', retryAtMs: 0, refusals: 0 });
    }
    this.#refill();
  }

  /** The peer answered with its JOIN: what it refused before counts no more. */
  joined(peerId: PeerId): void {
    for (const candidate of this.#candidates.values()) if (candidate.peerId === peerId) candidate.refusals = 0;
  }

  /** A neighbour that came of a candidate, or dialled us, is one no longer. */
  left(peerId: PeerId, reason: LeftReason): void {
    const { clock, limits } = this.#options;
    for (const candidate of this.#candidates.values()) {
      if (candidate.peerId !== peerId || candidate.state === 'dialling') continue;
      candidate.state = reason === 'leave' || reason === 'mine' ? 'gone' : 'idle';
      if (reason === 'linkClosed') candidate.retryAtMs = clock() + limits.reconnectMs;
      else this.#postpone(candidate);
    }
    this.#refill();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer.stop();
    this.#candidates.clear();
  }

  #refill(): void {
    if (this.#stopped) return;
    const { limits, clock } = this.#options;
    let open = this.#count('neighbour', 'agent') + this.#count('dialling', 'agent');
    let nextMs = Infinity;
    for (const candidate of [...this.#candidates.values()]) {
      if (candidate.state !== 'idle') continue;
      if (candidate.role === 'agent' && open >= limits.neighboursOpen) continue;
      if (candidate.retryAtMs > clock()) {
        nextMs = Math.min(nextMs, candidate.retryAtMs);
        continue;
      }
      if (candidate.role === 'agent') open++;
      void this.#dial(candidate);
    }
    this.#timer.arm(nextMs === Infinity ? undefined : nextMs - clock());
  }

  async #dial(candidate: Candidate): Promise<void> {
    candidate.state = 'dialling';
    try {
      const link = await this.#options.connect(candidate.address);
      if (this.#stopped) return;
      candidate.peerId = link.remote.peerId;
      candidate.state = link.open ? 'neighbour' : 'idle';
      // A link that already closed again has told `left` before this candidate was its neighbour.
      if (!link.open) candidate.retryAtMs = this.#options.clock() + this.#options.limits.reconnectMs;
      else if (!this.#options.join(link)) candidate.state = 'gone';
    } catch (error) {
      candidate.state = 'idle';
      const { clock, limits } = this.#options;
      if (error instanceof DialBackoffError) candidate.retryAtMs = clock() + error.retryInMs;
      else if (error instanceof DialError && error.local) candidate.retryAtMs = clock() + limits.redialMinMs;
      else this.#postpone(candidate);
    }
    this.#refill();
  }

  /** A failure, or NO_SWARM: the wait doubles, as nothing says when the peer will be ready. */
  #postpone(candidate: Candidate): void {
    const { limits, clock } = this.#options;
    const pauseMs = Math.min(limits.redialMaxMs, limits.redialMinMs * 2 ** Math.min(candidate.refusals, 20));
    candidate.refusals++;
    candidate.retryAtMs = clock() + pauseMs;
  }

  #dropOne(): boolean {
    for (const [key, { state, role }] of this.#candidates) {
      if (role === 'origin' || (state !== 'gone' && state !== 'idle')) continue;
      this.#candidates.delete(key);
      return true;
    }
    return false;
  }

  #count(state: Candidate['state'], role: PeerRole): number {
    let count = 0;
    for (const candidate of this.#candidates.values())
      if (candidate.state === state && candidate.role === role) count++;
    return count;
  }
}
