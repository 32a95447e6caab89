import { type Prng, seededPrng } from '@shoal/core';
import { chooseHandout, degreeLimits, mayAccept, peersWanted } from '@shoal/swarm';
import { EventQueue } from './event-queue.ts';
import type { SimMessage, SimNode } from './messages.ts';
import { Network } from './network.ts';
import { SimAgent } from './sim-agent.ts';
import { SimOrigin } from './sim-origin.ts';
import { Tally } from './tally.ts';
import type { WorldOptions } from './world-options.ts';

/** Message latencies that dialling, HELLO and JOIN take. */
const dialLatencies = 3;

/** One blob, its origins, agents and a tracker on a simulated network; all of it follows from the options. */
export class World {
  readonly options: WorldOptions;
  readonly events = new EventQueue();
  readonly network = new Network(this.events);
  readonly prng: Prng;
  readonly tally = new Tally();
  readonly origins: SimOrigin[] = [];
  readonly agents: SimAgent[] = [];
  readonly #nodes: SimNode[] = [];
  #arrived: SimAgent[] = [];
  #missing: number;

  constructor(options: WorldOptions) {
    this.options = options;
    this.prng = seededPrng(options.seed);
    for (let index = 0; index < options.origins; index++) {
      this.origins.push(new SimOrigin(this, this.network.addNode(options.originUp, options.originUp), index));
    }
    for (let index = 0; index < options.agents; index++) {
      const id = this.network.addNode(options.agentUp, options.agentDown);
      this.agents.push(new SimAgent(this, id, index < options.corruptAgents));
    }
    this.#nodes.push(...this.origins, ...this.agents);
    this.#missing = options.agents;
  }

  /** Runs until every living agent is complete. @throws Error naming the seed when that takes longer than timeMaxMs */
  run(): void {
    const { options, events } = this;
    for (const agent of this.agents) events.schedule(this.prng() * options.arrivalSpreadMs, () => this.#arrive(agent));
    const dying = this.agents.toSorted(() => this.prng() - 0.5).slice(0, options.deaths);
    for (const agent of dying) events.schedule(this.prng() * options.deathSpreadMs, () => this.#die(agent));
    while (this.#missing > 0) {
      if (!events.step(options.timeMaxMs))
        throw new Error(
          `seed ${options.seed}: ${this.#missing} agents are not complete at ${Math.round(events.nowMs)} ms`,
        );
    }
  }

  node(id: number): SimNode {
    const node = this.#nodes[id];
    if (!node) throw new RangeError(`no node ${id}`);
    return node;
  }

  /** Pieces are of one length here: the shorter last one makes no difference to a swarm. */
  pieceBytes(_piece: number): number {
    return this.options.pieceLength;
  }

  send(from: number, to: number, message: SimMessage): void {
    this.broadcast(from, [to], message);
  }

  /** One event for all receivers: the latency is the same everywhere. */
  broadcast(from: number, to: readonly number[], message: SimMessage): void {
    this.events.schedule(this.events.nowMs + this.options.latencyMs, () => {
      for (const peer of to) {
        const node = this.node(peer);
        if (!node.alive || !node.links.has(from)) continue;
        this.tally.record(this.events.nowMs, kindOf[message.type], from, peer, 'piece' in message ? message.piece : 0);
        node.receive(from, message);
      }
    });
  }

  sent(from: number, to: number, piece: number, corrupt: boolean): void {
    if (this.node(from).role === 'origin') this.tally.originBytes += this.pieceBytes(piece);
    else this.tally.agentBytes += this.pieceBytes(piece);
    this.send(from, to, { type: 'data', piece, corrupt });
  }

  wasted(bytes: number): void {
    this.tally.wastedBytes += bytes;
  }

  completed(): void {
    this.#missing--;
  }

  /** The tracker's answer comes back after a round trip: origins and agents, which the agent then dials. */
  announce(agent: SimAgent): void {
    this.events.schedule(this.events.nowMs + 2 * this.options.latencyMs, () => {
      if (!agent.alive) return;
      for (const origin of this.origins) this.#connect(agent, origin);
      const candidates = this.#arrived.filter((other) => other.alive && other !== agent && !agent.links.has(other.id));
      const want = Math.max(1, peersWanted(agent.degree));
      const chosen = chooseHandout(
        candidates.map((node) => ({
          node,
          peerId: String(node.id),
          role: node.role,
          zone: '',
          complete: node.leech.complete,
          degree: node.degree,
        })),
        {
          peerId: String(agent.id),
          zone: '',
          want: agent.degree >= degreeLimits.acceptMax ? 0 : want,
          prng: this.prng,
        },
      );
      for (const { node } of chosen) this.#connect(agent, node);
    });
  }

  disconnect(a: number, b: number): void {
    this.events.schedule(this.events.nowMs, () => {
      for (const [one, other] of [
        [a, b],
        [b, a],
      ] as const)
        if (this.node(one).alive) this.node(one).linkDown(other);
    });
  }

  #arrive(agent: SimAgent): void {
    if (!agent.alive) return;
    this.#arrived.push(agent);
    agent.start();
    this.announce(agent);
    // Whoever came first found nobody: it asks again while it knows too few.
    const again = (): void => {
      if (!agent.alive || agent.leech.complete) return;
      if (agent.degree < degreeLimits.topUpBelow) this.announce(agent);
      this.events.schedule(this.events.nowMs + Math.max(10, this.#blobMs / 10), again);
    };
    this.events.schedule(this.events.nowMs + Math.max(10, this.#blobMs / 20), again);
  }

  get #blobMs(): number {
    return (this.options.pieceCount * this.options.pieceLength) / this.options.agentDown;
  }

  #connect(agent: SimAgent, other: SimNode): void {
    this.events.schedule(this.events.nowMs + dialLatencies * this.options.latencyMs, () => {
      if (!agent.alive || !other.alive || agent.links.has(other.id)) return;
      if (agent.refuses(other.id) || (other instanceof SimAgent && other.refuses(agent.id))) return;
      if (other instanceof SimAgent && (!mayAccept('agent', other.degree) || !mayAccept('agent', agent.degree))) return;
      const [mine, theirs] = [agent.have(), other.have()];
      agent.linkUp(other.id, other.role, theirs);
      other.linkUp(agent.id, 'agent', mine);
    });
  }

  #die(agent: SimAgent): void {
    if (!agent.leech.complete) this.#missing--;
    agent.stop();
    this.#arrived = this.#arrived.filter((other) => other !== agent);
    for (const flow of [...this.network.flowsTo(agent.id)]) this.network.freeze(flow);
    this.events.schedule(this.events.nowMs + this.options.deathSeenMs, () => {
      for (const peer of [...agent.links]) if (this.node(peer).alive) this.node(peer).linkDown(agent.id);
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
