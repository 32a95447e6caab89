import { pieceCountOf, type Prng, seededPrng } from '@shoal/core';
import { EventQueue } from './event-queue.ts';
import type { SimMember, SimMessage, SimNode } from './messages.ts';
import { type Flow, Network } from './network.ts';
import { planAgents } from './plan.ts';
import { SimAgent } from './sim-agent.ts';
import { SimOrigin } from './sim-origin.ts';
import { SimTracker } from './sim-tracker.ts';
import { Tally } from './tally.ts';
import { Timeline } from './timeline.ts';
import type { BlobOptions, WorldOptions } from './world-options.ts';

/** Message latencies that TCP, CHALLENGE, HELLO and JOIN take, both ways; on a link that is there only JOIN. */
const dialLatencies = 8;
const joinLatencies = 2;

/** Blobs, their origins, agents and a tracker on a simulated network; all of it follows from the options. */
export class World {
  readonly options: WorldOptions;
  readonly events = new EventQueue();
  readonly network: Network;
  readonly prng: Prng;
  readonly tally = new Tally();
  readonly timeline = new Timeline();
  readonly tracker: SimTracker;
  readonly origins: SimOrigin[] = [];
  readonly agents: SimAgent[] = [];
  /** Agents of the wave now under way that are not complete, and in all. */
  missing: number;
  originReceivedMs = 0;
  readonly waveStartsMs: number[] = [];
  readonly #nodes: SimNode[] = [];
  readonly #waves: SimAgent[][];
  readonly #piecesWanted: number;
  #inWave = 0;

  constructor(options: WorldOptions) {
    this.options = options;
    this.prng = seededPrng(options.seed);
    const trunks = options.zoneTrunk > 0 ? Array.from({ length: options.zones }, () => options.zoneTrunk) : [];
    this.network = new Network(this.events, options.shareTolerance, trunks);
    for (let index = 0; index < options.origins; index++) {
      this.origins.push(new SimOrigin(this, this.network.addNode(options.originUp, options.originUp), index));
    }
    this.#waves = Array.from({ length: options.waves }, () => []);
    for (const plan of planAgents(options, this.prng)) {
      const agent = new SimAgent(this, this.network.addNode(plan.up, options.agentDown, plan.zone), plan);
      this.agents.push(agent);
      this.#waves[plan.wave]?.push(agent);
    }
    this.#nodes.push(...this.origins, ...this.agents);
    this.missing = options.agents;
    this.#piecesWanted = this.agents.reduce(
      (sum, { plan }) => sum + plan.wants.reduce((count, blob) => count + this.#pieces(blob), 0),
      0,
    );
    this.tracker = new SimTracker(this);
  }

  /**
   * Runs until every living agent is complete; `watch` is called now and then.
   * @throws Error naming the seed when that takes longer than timeMaxMs
   */
  run(watch: (world: World) => void = () => undefined): void {
    const { options, events } = this;
    this.#beginWave();
    this.#scheduleFaults();
    for (let steps = 1; this.missing > 0; steps++) {
      if (!events.step(options.timeMaxMs))
        throw new Error(
          `seed ${options.seed}: ${this.missing} agents are not complete at ${Math.round(events.nowMs)} ms`,
        );
      if (steps % 8192 === 0) watch(this);
    }
  }

  /** The share of all wanted pieces that is where it is wanted. */
  get progress(): number {
    return this.timeline.pieces / this.#piecesWanted;
  }

  node(id: number): SimNode {
    return this.#nodes[id] as SimNode;
  }

  blob(blob: number): BlobOptions {
    return this.options.blobs[blob] as BlobOptions;
  }

  pieceBytes(blob: number, piece: number): number {
    const { bytes, pieceLength } = this.blob(blob);
    return Math.min(pieceLength, bytes - piece * pieceLength);
  }

  /** Origins that own the blob: neighbours on a ring. */
  ownersOf(blob: number): number[] {
    const { origins, owners } = this.options;
    const count = owners === 0 ? origins : Math.min(owners, origins);
    return Array.from({ length: count }, (_, index) => (blob + index) % origins);
  }

  latencyMs(from: number, to: number): number {
    return this.network.crosses(from, to) ? this.options.crossLatencyMs : this.options.latencyMs;
  }

  send(blob: number, from: number, to: number, message: SimMessage): void {
    const kind = kindOf[message.type];
    this.events.schedule(this.events.nowMs + this.latencyMs(from, to), () =>
      this.#deliver(blob, from, to, message, kind),
    );
  }

  /** HAVE to many: one event for all of one zone. */
  tell(blob: number, from: number, to: readonly number[], message: SimMessage): void {
    const { events, options } = this;
    const kind = kindOf[message.type];
    const far = options.zones > 1 ? to.filter((peer) => this.network.crosses(from, peer)) : [];
    const near = far.length === 0 ? to : to.filter((peer) => !this.network.crosses(from, peer));
    for (const [peers, ms] of [
      [near, options.latencyMs],
      [far, options.crossLatencyMs],
    ] as const) {
      if (peers.length === 0) continue;
      events.schedule(events.nowMs + ms + options.haveDelayMs, () => {
        for (const peer of peers) this.#deliver(blob, from, peer, message, kind);
      });
    }
  }

  /** The last byte left; it is checked at the receiver after the latency and the verify time. */
  sent({ from, to, blob, piece, bytes }: Flow, corrupt: boolean): void {
    if (this.node(from).role === 'origin') this.tally.originBytes += bytes;
    else this.tally.agentBytes += bytes;
    this.#crossed(from, to, bytes);
    this.events.schedule(this.events.nowMs + this.latencyMs(from, to) + this.options.verifyMs, () =>
      this.#deliver(blob, from, to, { type: 'data', piece, corrupt }, kindOf.data),
    );
  }

  wasted(bytes: number): void {
    this.tally.wastedBytes += bytes;
  }

  completed({ plan }: SimAgent): void {
    this.missing--;
    if (plan.wave === this.waveStartsMs.length - 1 && --this.#inWave === 0) this.#beginWave();
  }

  /** TCP and HELLO unless the two have a link, then JOIN. */
  connect(one: SimMember, other: SimMember): void {
    const { options, events } = this;
    const [a, b] = [one.node, other.node];
    if (one.links.has(b.id) || one.refuses(b.id) || other.refuses(a.id) || this.#isCut(a, b)) return;
    let linked = false;
    for (const { links } of a.members()) linked ||= links.has(b.id);
    const latencies = linked ? joinLatencies : dialLatencies;
    const ms = latencies * this.latencyMs(a.id, b.id) + (linked ? 0 : options.handlingMs);
    if (b.role === 'agent') one.dialling++;
    other.dialling++;
    events.schedule(events.nowMs + ms, () => {
      if (b.role === 'agent') one.dialling--;
      other.dialling--;
      if (!a.alive || !b.alive || one.links.has(b.id) || this.#isCut(a, b)) return;
      if (one.refuses(b.id) || other.refuses(a.id)) return;
      const { acceptMax, origin } = options.policy;
      if (b.role === 'agent' && Math.max(one.degree, other.degree) >= acceptMax) return;
      const [mine, theirs] = [one.have(), other.have()];
      one.linkUp(b.id, origin === 'pull' ? 'agent' : b.role, theirs);
      other.linkUp(a.id, 'agent', mine);
    });
  }

  disconnect(one: SimMember, peer: number): void {
    this.events.schedule(this.events.nowMs, () => {
      if (one.node.alive) one.linkDown(peer);
      const other = this.node(peer);
      if (other.alive) other.member(one.blob)?.linkDown(one.node.id);
    });
  }

  #pieces(blob: number): number {
    const { bytes, pieceLength } = this.blob(blob);
    return pieceCountOf(bytes, pieceLength);
  }

  #crossed(from: number, to: number, bytes: number): void {
    if (this.options.zones > 1 && this.network.crosses(from, to)) this.tally.crossBytes += bytes;
  }

  /** @param kind of the message, looked up once for all who get it */
  #deliver(blob: number, from: number, to: number, message: SimMessage, kind: number): void {
    const node = this.node(to);
    const member = node.member(blob);
    if (!member?.links.has(from) || !node.alive) return;
    if (this.options.partitionForMs > 0 && this.#isCut(this.node(from), node)) return;
    this.tally.messages++;
    this.tally.record(this.events.nowMs, kind, from, to);
    member.receive(from, message);
  }

  #beginWave(): void {
    const wave = this.#waves[this.waveStartsMs.length];
    if (!wave) return;
    const { events } = this;
    this.waveStartsMs.push(events.nowMs);
    const waiting = wave.filter(({ alive }) => alive);
    this.#inWave = waiting.length;
    for (const agent of waiting) events.schedule(events.nowMs + agent.plan.arrivalMs, () => agent.arrive());
  }

  #scheduleFaults(): void {
    const { options, events } = this;
    for (const agent of this.agents) {
      const { diesMs } = agent.plan;
      if (diesMs !== undefined) events.schedule(diesMs, () => this.#die(agent));
    }
    const midMs = options.deathFromMs + options.deathSpreadMs / 2;
    for (const origin of this.origins.slice(0, options.originDeaths)) events.schedule(midMs, () => this.#die(origin));
    if (options.partitionForMs > 0) events.schedule(options.partitionFromMs, () => this.#cut());
  }

  #die(node: SimNode): void {
    if (node instanceof SimAgent && node.doneMs === undefined) this.completed(node);
    node.stop();
    this.tracker.left(node);
    // Nobody has noticed: what was on its way to it stands still, and the sender counts it as under way.
    for (const flow of this.network.flowsTo(node.id)) this.network.stop(flow);
    this.events.schedule(this.events.nowMs + this.options.deathSeenMs, () => {
      for (const { blob, links } of node.members()) {
        for (const peer of links) if (this.node(peer).alive) this.node(peer).member(blob)?.linkDown(node.id);
      }
    });
  }

  #isCut(a: SimNode, b: SimNode): boolean {
    const { partitionFromMs, partitionForMs } = this.options;
    const { nowMs } = this.events;
    return a.cutOff !== b.cutOff && nowMs >= partitionFromMs && nowMs < partitionFromMs + partitionForMs;
  }

  /** Flows between the two sides stand still at once; the links are given up when their ends have noticed. */
  #cut(): void {
    const cutOff = this.agents.filter((agent) => agent.alive && agent.cutOff);
    for (const { id } of cutOff) {
      for (const flow of [...this.network.flowsTo(id), ...this.network.flowsFrom(id)])
        if (this.node(flow.from).cutOff !== this.node(flow.to).cutOff) this.network.stop(flow);
    }
    this.events.schedule(this.events.nowMs + this.options.deathSeenMs, () => {
      for (const agent of cutOff) {
        for (const member of agent.members())
          for (const peer of member.links) if (!this.node(peer).cutOff) this.disconnect(member, peer);
      }
    });
  }
}

const kindOf: Record<SimMessage['type'], number> = {
  have: 1,
  request: 2,
  cancel: 3,
  reject: 4,
  wantAny: 5,
  offer: 6,
  refuse: 7,
  dataBegin: 8,
  data: 9,
};
