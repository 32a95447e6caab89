import type { PieceIndex, Prng } from '@shoal/core';
import type { PeerHandle } from './peer.ts';
import { PassingOn } from './passing-on.ts';
import { PieceSet } from './piece-set.ts';
import { SpreadIndex } from './spread-index.ts';
import { SwarmProgress } from './swarm-progress.ts';
import type { SuperSeedAction, SuperSeedEvent, SuperSeedOptions } from './super-seed-types.ts';

interface Agent {
  /** What it is known to hold; a piece sent in full counts. */
  readonly holds: PieceSet;
  /** What it holds or was offered. */
  readonly taken: PieceSet;
  /** Offered, the transfer has not ended. */
  readonly offered: Set<PieceIndex>;
  /** Credits that wait in the upload queue. */
  credits: number;
  prefer: readonly PieceIndex[];
  preferMs: number;
  /** It was refused since it was last served. */
  refused: boolean;
  abroad: boolean;
  /** What it was given did not reach the others. */
  keeps: boolean;
}

/** Pieces of this rank and above (see `#rank`) are in the swarm already. */
const secondCopyRank = 2;
/** Credits of one agent beyond this are refused, whatever it says. */
const creditsPerPeerMax = 16;
/** What an agent preferred so long ago it has meanwhile got elsewhere, or prefers again. */
const preferStaleMs = 200;
/** A piece is known at others long before so many more were sent, in any swarm that is not slower than its origin. */
const judgeAfterDefault = 128;
/** Once every piece is out and this share of the blob was sent again, only those are served whom the swarm cannot serve. */
const secondShare = 0.2;
/**
 * Or so many pieces: the first to come get a blob of few pieces before the others have met, and pass it on through their
 * own uplinks alone.
 */
const secondPiecesDefault = 64;

/**
 * What an origin lets into the swarm next: the piece it sent least, so that no byte leaves it twice before every byte has
 * left it once. One instance a blob.
 * WANT_ANY -> handle(wantAny) -> poll: enqueue -> UploadQueue credit -> serveCredit -> serve(peer) -> OFFER + DATA.
 * Source: shared/design/swarm.md, "Origin = super-seed"; BEP 16.
 */
export class SuperSeed {
  readonly #options: SuperSeedOptions;
  readonly #prng: Prng;
  /** Copies sent or on their way; 0 again when the only receiver was lost before anyone else had it. */
  readonly #sent: Uint16Array;
  readonly #availability: Uint16Array;
  /** What can be served, by how much it is spread: this origin's own share before the others'. */
  readonly #servable: SpreadIndex;
  readonly #agents = new Map<PeerHandle, Agent>();
  readonly #actions: SuperSeedAction[] = [];
  readonly #progress = new SwarmProgress();
  readonly #passing: PassingOn;
  #credits = 0;
  /** Whose credits wait until a cold blob grows; counted among the credits. */
  #parked: PeerHandle[] = [];
  #servableCount = 0;
  #piecesSent = 0;

  constructor(options: SuperSeedOptions) {
    this.#options = options;
    this.#prng = options.prng;
    this.#sent = new Uint16Array(options.pieceCount);
    this.#availability = new Uint16Array(options.pieceCount);
    this.#servable = new SpreadIndex(options.pieceCount);
    this.#passing = new PassingOn(options.judgeAfter ?? judgeAfterDefault);
    if (!options.growing) for (let piece = 0; piece < options.pieceCount; piece++) this.#place(piece);
  }

  handle(event: SuperSeedEvent, nowMs: number): void {
    switch (event.type) {
      case 'peerJoined': {
        this.#left(event.peer);
        const agent = this.#agent(event.peer);
        agent.abroad = event.abroad ?? false;
        for (const piece of PieceSet.from(event.have, this.#options.pieceCount)) this.#holds(agent, piece);
        break;
      }
      case 'peerLeft':
        this.#left(event.peer);
        this.#unpark(nowMs);
        break;
      case 'peerHave':
        if (this.#holds(this.#agent(event.peer), event.piece)) this.#progress.swarm(1, nowMs);
        break;
      case 'wantAny':
        this.#wantAny(event.peer, event.haveDelta, event.prefer, nowMs);
        break;
      case 'offerEnded':
        this.#offerEnded(event.peer, event.piece, event.ok, nowMs);
        break;
      case 'pieceAvailable':
        if (!this.#servable.has(event.piece)) this.#servableCount++;
        this.#place(event.piece);
        this.#unpark(nowMs);
        break;
    }
  }

  poll(): SuperSeedAction | undefined {
    return this.#actions.shift();
  }

  /** The piece for one of the peer's enqueued credits, or undefined: send REFUSE. */
  serve(peer: PeerHandle, nowMs: number): PieceIndex | undefined {
    const agent = this.#agents.get(peer);
    if (!agent || agent.credits === 0) return undefined;
    agent.credits--;
    this.#credits--;
    const piece = this.#choose(agent, nowMs);
    agent.refused = piece === undefined;
    if (piece === undefined) return undefined;
    agent.offered.add(piece);
    agent.taken.add(piece);
    this.#count(piece, 1);
    return piece;
  }

  /** Agents known to hold the piece. */
  availability(piece: PieceIndex): number {
    return this.#availability[piece] ?? 0;
  }

  /** What a credit ranks among those of other swarms: 0 while it lets a piece in that nobody has, 1 when it repeats one. */
  get creditRank(): number {
    return this.#servable.hasBelow(secondCopyRank) ? 0 : 1;
  }

  heldBy(peer: PeerHandle): number {
    return this.#agents.get(peer)?.holds.count ?? 0;
  }

  /** Whether the peer was offered this piece and the transfer has not ended. */
  isOffered(peer: PeerHandle, piece: PieceIndex): boolean {
    return this.#agents.get(peer)?.offered.has(piece) ?? false;
  }

  /** Pieces sent in full so far by offers, divided by the pieces of the blob. */
  get copiesSent(): number {
    return this.#piecesSent / Math.max(1, this.#options.pieceCount);
  }

  #wantAny(peer: PeerHandle, haveDelta: readonly PieceIndex[], prefer: readonly PieceIndex[], nowMs: number): void {
    const agent = this.#agent(peer);
    let gained = 0;
    for (const piece of haveDelta) if (this.#holds(agent, piece)) gained++;
    this.#progress.swarm(gained, nowMs);
    agent.prefer = prefer;
    agent.preferMs = nowMs;
    const crowded = this.#credits >= (this.#options.creditsMax ?? 2048) || agent.credits >= creditsPerPeerMax;
    const served = !crowded && this.#choose(agent, nowMs) !== undefined;
    if (!served && (crowded || !this.#grows)) {
      agent.refused = true;
      this.#actions.push({ type: 'refuse', peer });
      return;
    }
    agent.credits++;
    this.#credits++;
    if (served) this.#actions.push({ type: 'enqueue', peer });
    else this.#parked.push(peer);
  }

  #offerEnded(peer: PeerHandle, piece: PieceIndex, ok: boolean, nowMs: number): void {
    const agent = this.#agents.get(peer);
    if (!agent?.offered.delete(piece)) return;
    if (ok) {
      this.#piecesSent++;
      this.#holds(agent, piece);
      this.#progress.origin(1, nowMs);
      this.#judge(peer, piece);
      return;
    }
    // A copy that did not get through was not sent.
    if (!agent.holds.has(piece)) agent.taken.delete(piece);
    this.#count(piece, -1);
    this.#unpark(nowMs);
  }

  /** What does not reach the others counts as not sent, and whoever got it waits until nobody else does. */
  #judge(peer: PeerHandle, piece: PieceIndex): void {
    const stuck = this.#passing.sent({ peer, piece }, (other) => this.availability(other) > 1);
    const agent = stuck && this.#agents.get(stuck.peer);
    if (!stuck || !agent?.holds.delete(stuck.piece)) return;
    agent.keeps = true;
    this.#lost(stuck.piece);
  }

  /** More pieces of a cold blob are to come. */
  get #grows(): boolean {
    return this.#options.growing === true && this.#servableCount < this.#options.pieceCount;
  }

  /** The first of those who wait for a cold blob to grow gets what has come; at its end nobody is left to wait. */
  #unpark(nowMs: number): void {
    if (!this.#grows) for (const peer of this.#parked.splice(0)) this.#actions.push({ type: 'enqueue', peer });
    const place = this.#parked.findIndex((peer) => {
      const agent = this.#agents.get(peer);
      return agent !== undefined && this.#choose(agent, nowMs) !== undefined;
    });
    for (const peer of place < 0 ? [] : this.#parked.splice(place, 1)) this.#actions.push({ type: 'enqueue', peer });
  }

  #left(peer: PeerHandle): void {
    const agent = this.#agents.get(peer);
    if (!agent) return;
    this.#agents.delete(peer);
    this.#credits -= agent.credits;
    this.#parked = this.#parked.filter((other) => other !== peer);
    for (const piece of agent.offered) this.#count(piece, -1);
    for (const piece of agent.holds) this.#lost(piece);
  }

  /** One holder less. When nobody else is known to have the piece it enters the swarm anew, before any second copy. */
  #lost(piece: PieceIndex): void {
    const left = (this.#availability[piece] ?? 1) - 1;
    this.#availability[piece] = left;
    if (left === 0) this.#sent[piece] = this.#underWay(piece);
    this.#move(piece);
  }

  #underWay(piece: PieceIndex): number {
    let count = 0;
    for (const { offered } of this.#agents.values()) if (offered.has(piece)) count++;
    return count;
  }

  #agent(peer: PeerHandle): Agent {
    let agent = this.#agents.get(peer);
    if (!agent)
      this.#agents.set(
        peer,
        (agent = {
          holds: new PieceSet(this.#options.pieceCount),
          taken: new PieceSet(this.#options.pieceCount),
          offered: new Set(),
          credits: 0,
          prefer: [],
          preferMs: 0,
          refused: false,
          abroad: false,
          keeps: false,
        }),
      );
    return agent;
  }

  #holds(agent: Agent, piece: PieceIndex): boolean {
    if (!agent.holds.add(piece)) return false;
    agent.taken.add(piece);
    this.#availability[piece] = (this.#availability[piece] ?? 0) + 1;
    this.#move(piece);
    return true;
  }

  /** Whether an agent of this origin's own zone waits for a piece, or gets one. */
  get #asksNear(): boolean {
    for (const { abroad, credits, offered } of this.#agents.values())
      if (!abroad && credits + offered.size > 0) return true;
    return false;
  }

  #choose(agent: Agent, nowMs: number): PieceIndex | undefined {
    // What went to another zone first would cross a border once more to come back to this one.
    if (agent.abroad && this.#asksNear) return undefined;
    if (agent.keeps && this.#credits > agent.credits) return undefined;
    const preferred = this.#leastSpread(agent, agent.prefer);
    if (preferred !== undefined && this.#spread(preferred) === 0) return preferred;
    const fresh = this.#servable.lowest(agent.taken, this.#prng);
    if (fresh === undefined || this.#spread(fresh) === 0) return fresh;
    // Whoever was refused and comes back with a wish is one whom the swarm does not serve.
    if (agent.refused && preferred !== undefined && nowMs - agent.preferMs < preferStaleMs) return preferred;
    // While a cold blob grows there are better pieces to come than second copies.
    if (this.#grows && this.#agents.size > 1) return undefined;
    // Everything is out: what is sent now is a second copy, worth its bytes only where the swarm itself is the slower one.
    const worthIt = this.#agents.size <= 1 || this.#sendsAgain() || this.#progress.originIsFaster(nowMs);
    return worthIt ? fresh : undefined;
  }

  /** Whether this origin's part of the second copies that may be sent in any case is not spent. */
  #sendsAgain(): boolean {
    const { pieceCount, originCount = 1, secondPiecesMin = secondPiecesDefault } = this.#options;
    return this.#piecesSent * originCount < pieceCount + Math.max(secondShare * pieceCount, secondPiecesMin);
  }

  /** Of the few pieces that the agent named, the one it lacks that the swarm has least of. */
  #leastSpread(agent: Agent, among: readonly PieceIndex[]): PieceIndex | undefined {
    let best: PieceIndex | undefined;
    for (const piece of among) {
      if (!this.#servable.has(piece) || agent.taken.has(piece)) continue;
      if (best === undefined || this.#rank(piece) < this.#rank(best)) best = piece;
    }
    return best;
  }

  /** Copies that are in the swarm as far as is known here. */
  #spread(piece: PieceIndex): number {
    const sent = this.#sent[piece] ?? 0;
    return sent > 0 ? sent : Math.min(1, this.#availability[piece] ?? 0);
  }

  /** Among those sent once, first what nobody but its receiver is known to have. */
  #rank(piece: PieceIndex): number {
    const known = this.availability(piece) > 1 ? 1 : 0;
    return (this.#spread(piece) * 2 + known) * 2 + (this.#isOwnShare(piece) ? 0 : 1);
  }

  /** Keeps the index true after `#sent` or `#availability` of the piece changed. */
  #move(piece: PieceIndex): void {
    if (this.#servable.has(piece)) this.#place(piece);
  }

  #place(piece: PieceIndex): void {
    this.#servable.set(piece, this.#rank(piece));
  }

  #count(piece: PieceIndex, copies: 1 | -1): void {
    this.#sent[piece] = Math.max(0, (this.#sent[piece] ?? 0) + copies);
    this.#move(piece);
  }

  /** Several origins begin in parts of the blob that do not overlap. */
  #isOwnShare(piece: PieceIndex): boolean {
    const { originIndex = 0, originCount = 1, pieceCount } = this.#options;
    return Math.floor((piece * originCount) / pieceCount) === originIndex;
  }
}
