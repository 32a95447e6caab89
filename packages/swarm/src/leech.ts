import type { Bitfield, PieceIndex } from '@shoal/core';
import { fillAbroad } from './abroad.ts';
import { delivered, fillCredits, refused } from './credits.ts';
import { checkDeadlines, deadlineMs, waitLimitMs } from './deadlines.ts';
import { fillEndgame } from './endgame.ts';
import { fillRequests, readerPieces } from './fill.ts';
import type { LeechAction, LeechEvent, LeechOptions, RejectReason } from './leech-types.ts';
import { type Neighbour, OriginNeighbour } from './neighbour.ts';
import type { PeerHandle } from './peer.ts';
import { creditPiece, SwarmView } from './swarm-view.ts';

/** What a known neighbour says or does. */
type PeerEvent = Exclude<Extract<LeechEvent, { peer: PeerHandle }>, { type: 'peerJoined' }>;

/**
 * One blob at one agent: which piece to ask of whom. After each `handle` the shell polls until undefined and carries
 * the actions out in order; it arms ONE timer for `nextTimeoutMs` and reports `timer`. With a full bitfield the machine
 * is a seeder's view of its neighbours. Source: shared/design/swarm.md, "Pseudo-code".
 */
export class Leech {
  readonly #view: SwarmView;
  /** Links that sent a corrupt piece: nothing they say counts any more. */
  readonly #banned = new Set<PeerHandle>();
  #sent = 0;

  constructor(options: LeechOptions) {
    this.#view = new SwarmView(options);
  }

  /** Verified pieces; changes only inside handle. */
  get have(): Bitfield {
    return this.#view.have;
  }

  /** `nowMs` never goes back. */
  handle(event: LeechEvent, nowMs: number): void {
    const view = this.#view;
    switch (event.type) {
      case 'peerJoined':
        if (!this.#banned.has(event.peer)) this.#joined(event, nowMs);
        break;
      case 'readers':
        view.cursors = event.cursors;
        break;
      case 'gateway':
        view.gateway = event.place;
        break;
      case 'running':
        if (!view.share(event.downloads)) return;
        break;
      case 'claimed':
      case 'released':
        view.claim(event.piece, event.type === 'claimed' && !view.have.has(event.piece));
        break;
      case 'pieceVerified':
        this.#verified(event.piece, event.peer, nowMs);
        break;
      case 'timer':
        view.wakeMs = Infinity;
        checkDeadlines(view, nowMs);
        break;
      default: {
        const neighbour = view.find(event.peer);
        if (neighbour) this.#fromPeer(neighbour, event, nowMs);
      }
    }
    // Most of what is heard are HAVEs and chunks, and most of them come while every slot is taken: they decide nothing.
    const full = view.outstanding >= view.limits.outstandingMax;
    if (full && (event.type === 'peerHave' || (event.type === 'progress' && view.wanted.count > 0))) return;
    this.#decide(event.type !== 'peerHave', nowMs);
  }

  poll(): LeechAction | undefined {
    const { actions } = this.#view;
    if (this.#sent < actions.length) return actions[this.#sent++];
    // Most events lead to no action, and to empty what is empty takes its time.
    if (this.#sent > 0) actions.length = this.#sent = 0;
    return undefined;
  }

  /** Milliseconds from `nowMs` until `timer` is due, at least 1 (a timer that fires a hair early must not spin); undefined: no timer. */
  nextTimeoutMs(nowMs: number): number | undefined {
    return this.#view.wakeMs === Infinity ? undefined : Math.max(1, this.#view.wakeMs - nowMs);
  }

  get complete(): boolean {
    return this.#view.have.complete;
  }

  /** Neighbours that are agents. */
  get agentCount(): number {
    return this.#view.agents.size + this.#view.abroad.size;
  }

  /** Requests and offers under way. */
  get outstandingCount(): number {
    let count = 0;
    for (const { asks } of this.#view.neighbours()) count += asks.size;
    return count;
  }

  /** Agents among the neighbours that hold the piece: the upload queue's rank. */
  availability(piece: PieceIndex): number {
    return this.#view.availability[piece] ?? 0;
  }

  /** Pieces that the neighbour holds; 0 for a stranger. */
  heldBy(peer: PeerHandle): number {
    return this.#view.find(peer)?.has.count ?? 0;
  }

  /** Whether the piece is asked of this peer (or offered by it) at this moment. */
  isAsked(peer: PeerHandle, piece: PieceIndex): boolean {
    return this.#view.find(peer)?.asks.has(piece) ?? false;
  }

  /** Missing, not asked of anybody and with no neighbour that holds it: what the HTTP fallback may claim, the readers' pieces first. */
  missingEverywhere(): PieceIndex | undefined {
    const { origins, wanted, availability, awaited } = this.#view;
    if (origins.size > 0) return undefined;
    return this.#missing((piece) => wanted.has(piece) && availability[piece] === 0 && !awaited.has(piece));
  }

  /** Whether the rate of the download leaves room for one more piece. */
  mayAsk(nowMs: number): boolean {
    return this.#view.mayAsk(nowMs);
  }

  /** Missing and not claimed, even if a neighbour is asked for it: what the fallback may claim when the swarm stands still. */
  missingUnclaimed(): PieceIndex | undefined {
    return this.#missing((piece) => !this.#view.claimed.has(piece));
  }

  #missing(allowed: (piece: PieceIndex) => boolean): PieceIndex | undefined {
    const { have, pieceCount } = this.#view;
    const ahead = readerPieces(this.#view).find(allowed);
    if (ahead !== undefined) return ahead;
    for (let piece = have.firstMissing(); piece < pieceCount; piece = have.firstMissing(piece + 1)) {
      if (allowed(piece)) return piece;
    }
    return undefined;
  }

  #joined({ peer, role, have, abroad = false }: Extract<LeechEvent, { type: 'peerJoined' }>, nowMs: number): void {
    const former = this.#view.find(peer);
    if (former) this.#view.leave(former);
    this.#view.join(peer, role, have, abroad, nowMs);
  }

  #fromPeer(neighbour: Neighbour, event: PeerEvent, nowMs: number): void {
    const view = this.#view;
    switch (event.type) {
      case 'peerLeft':
        view.leave(neighbour);
        return;
      case 'pieceCorrupt':
        view.leave(neighbour);
        this.#banned.add(neighbour.peer);
        view.actions.push({ type: 'dropPeer', peer: neighbour.peer, reason: 'corrupt' });
        return;
      case 'peerHave':
        view.learn(neighbour, event.piece);
        neighbour.queueLength = event.queueLength;
        break;
      case 'progress':
        this.#progress(neighbour, event.piece, event.bytes, nowMs);
        break;
      case 'offer':
        if (neighbour instanceof OriginNeighbour) this.#offer(neighbour, event.piece, nowMs);
        break;
      case 'refused':
        if (neighbour instanceof OriginNeighbour) refused(view, neighbour, nowMs);
        break;
      case 'rejected':
        this.#rejected(neighbour, event.piece, event.reason, nowMs);
        break;
      case 'pieceFailed':
        view.unask(neighbour, event.piece);
        pause(view, neighbour, nowMs);
        break;
    }
    this.#heard(neighbour, nowMs);
  }

  #heard(neighbour: Neighbour, nowMs: number): void {
    neighbour.heardMs = nowMs;
    neighbour.proven = true;
    if (neighbour.silent) {
      neighbour.silent = false;
      neighbour.pausedUntilMs = nowMs;
    }
  }

  #progress(neighbour: Neighbour, piece: PieceIndex, bytes: number, nowMs: number): void {
    const ask = neighbour.asks.get(piece);
    if (!ask) return;
    ask.dueBytes = Math.max(0, ask.dueBytes - bytes);
    ask.startedMs ??= nowMs;
    ask.progressMs = nowMs;
    this.#view.wakeAt(deadlineMs(this.#view, ask));
  }

  #offer(origin: OriginNeighbour, piece: PieceIndex, nowMs: number): void {
    const view = this.#view;
    if (origin.delivered.has(piece) || origin.asks.get(piece)?.offered) return;
    if (origin.credits === 0) {
      // Whoever offers what nobody asked for could take every piece away from those who deliver.
      if (!origin.asks.has(piece)) view.actions.push({ type: 'cancel', peer: origin.peer, piece });
      return;
    }
    origin.credits--;
    view.refund(creditPiece);
    origin.refusals = 0;
    origin.creditsPausedUntilMs = 0;
    const others = view.askedOf(piece).filter((other) => other !== origin);
    const running = others.some((other) => other.asks.get(piece)?.startedMs !== undefined);
    view.unask(origin, piece);
    view.ask(origin, piece, true, nowMs);
    view.wakeAt(nowMs + waitLimitMs(view));
    // A piece that is here, claimed or arriving from elsewhere: the origin's bytes are better spent on another.
    if (running || view.have.has(piece) || view.claimed.has(piece)) view.cancel(origin, piece);
    else for (const other of others) view.cancel(other, piece);
  }

  #rejected(neighbour: Neighbour, piece: PieceIndex, reason: RejectReason, nowMs: number): void {
    const view = this.#view;
    view.unask(neighbour, piece);
    if (reason === 'overloaded') pause(view, neighbour, nowMs);
    else if (reason === 'notHeld') view.unlearn(neighbour, piece);
    else for (const gone of [...neighbour.has]) view.unlearn(neighbour, gone);
  }

  #verified(piece: PieceIndex, peer: PeerHandle | undefined, nowMs: number): void {
    const view = this.#view;
    const sender = peer === undefined ? undefined : view.find(peer);
    const gained = !view.have.has(piece);
    // Before the request is forgotten: otherwise the piece would be wanted in between, and every neighbour looked at twice.
    if (gained) view.gained(piece);
    const ask = sender && view.unask(sender, piece, true);
    if (sender) {
      sender.misses = 0;
      this.#heard(sender, nowMs);
      if (sender instanceof OriginNeighbour) delivered(view, sender, piece);
    }
    if (ask) view.turnaround.pieceDone(nowMs - ask.sentMs, nowMs - (ask.startedMs ?? ask.sentMs), nowMs);
    if (!gained) return;
    for (const other of view.askedOf(piece)) view.cancel(other, piece);
    const peers: PeerHandle[] = [];
    for (const agent of view.agents.values()) if (!agent.has.has(piece)) peers.push(agent.peer);
    for (const agent of view.abroad.values()) if (!agent.has.has(piece)) peers.push(agent.peer);
    if (peers.length > 0) view.actions.push({ type: 'have', piece, peers });
    for (const origin of view.origins.values()) if (origin !== sender) origin.delta.push(piece);
    if (view.have.complete) view.actions.push({ type: 'complete' });
  }

  #decide(endgame: boolean, nowMs: number): void {
    const view = this.#view;
    if (view.have.complete) return;
    if (!view.mayAsk(nowMs)) {
      view.dryMs = undefined;
      return;
    }
    const asked = view.outstanding;
    fillAbroad(view, nowMs);
    fillRequests(view, nowMs);
    fillCredits(view, nowMs);
    if (endgame) fillEndgame(view, nowMs);
    if (view.outstanding > asked) view.wakeAt(nowMs + waitLimitMs(view));
    if (view.dryMs !== undefined) this.#starve(view.dryMs, nowMs);
  }

  #starve(sinceMs: number, nowMs: number): void {
    const view = this.#view;
    const { starvedIntervalMs } = view.limits;
    if (nowMs - sinceMs >= starvedIntervalMs) {
      view.actions.push({ type: 'starved' });
      view.dryMs = nowMs;
    }
    view.wakeAt((view.dryMs ?? nowMs) + starvedIntervalMs);
    for (const { pausedUntilMs, useful } of view.agents.values())
      if (useful > 0 && pausedUntilMs > nowMs) view.wakeAt(pausedUntilMs);
  }
}

/** An overloaded peer, or one whose transfer broke, is not asked again in the same breath. */
const pause = (view: SwarmView, neighbour: Neighbour, nowMs: number): void => {
  neighbour.pausedUntilMs = nowMs + view.limits.deadlineFloorMs;
};
