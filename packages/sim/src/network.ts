import type { EventQueue } from './event-queue.ts';

/** One transfer under way. Bytes and bytes/ms. */
export interface Flow {
  readonly from: number;
  readonly to: number;
  readonly piece: number;
  readonly bytes: number;
  remaining: number;
  rate: number;
  updatedMs: number;
  slot: number;
  ended: boolean;
  readonly onDone: () => void;
}

interface Port {
  readonly capacity: number;
  /** What one more byte-hungry flow would get here: the advertised fair share. */
  share: number;
  readonly flows: Set<Flow>;
  queued: boolean;
}

/** Shares that differ by less are left as they are; a change travels through at most so many ports. */
const tolerance = 0.01;
const portsPerChange = 256;

/**
 * Uplinks and downlinks shared max-min by fluid flows; no loss, no slow start. The shares are found by distributed water
 * filling: each port computes its fair share from the shares its flows get at their other ends, and only ports whose
 * share moved by more than 1 % are looked at again. So the rates are max-min to within a few per cent (a test compares
 * them with the exact solution) and a change costs the neighbourhood and not the whole network.
 * Source: Charny, Clark, Jain, "Congestion control with explicit rate indication" (consistent marking).
 */
export class Network {
  readonly #events: EventQueue;
  readonly #up: Port[] = [];
  readonly #down: Port[] = [];

  constructor(events: EventQueue) {
    this.#events = events;
  }

  /** Rates in bytes/ms. Returns the node's number. */
  addNode(up: number, down: number): number {
    this.#up.push({ capacity: up, share: up, flows: new Set(), queued: false });
    this.#down.push({ capacity: down, share: down, flows: new Set(), queued: false });
    return this.#up.length - 1;
  }

  start(
    { from, to, piece, bytes }: { from: number; to: number; piece: number; bytes: number },
    onDone: () => void,
  ): Flow {
    const flow: Flow = {
      from,
      to,
      piece,
      bytes,
      remaining: bytes,
      rate: 0,
      updatedMs: this.#events.nowMs,
      slot: -1,
      ended: false,
      onDone,
    };
    flow.slot = this.#events.schedule(Infinity, () => this.#done(flow));
    this.#upOf(flow).flows.add(flow);
    this.#downOf(flow).flows.add(flow);
    this.#settle(flow);
    return flow;
  }

  /** Stops a flow and returns the bytes it moved. */
  stop(flow: Flow): number {
    if (flow.ended) return flow.bytes - flow.remaining;
    this.#advance(flow);
    this.#events.cancel(flow.slot);
    this.#detach(flow);
    return flow.bytes - flow.remaining;
  }

  /** The receiver is gone and nobody has noticed: the flow stands still, takes nothing, and never ends by itself. */
  freeze(flow: Flow): void {
    this.#advance(flow);
    this.#upOf(flow).flows.delete(flow);
    this.#downOf(flow).flows.delete(flow);
    this.#events.move(flow.slot, Infinity);
    flow.rate = 0;
    this.#settle(flow);
  }

  /** What a node sends now, in bytes/ms. */
  egress(node: number): number {
    let sum = 0;
    for (const { rate } of this.#up[node]?.flows ?? []) sum += rate;
    return sum;
  }

  flowsFrom(node: number): Iterable<Flow> {
    return this.#up[node]?.flows ?? [];
  }

  flowsTo(node: number): Iterable<Flow> {
    return this.#down[node]?.flows ?? [];
  }

  #done(flow: Flow): void {
    this.#advance(flow);
    flow.remaining = 0;
    this.#detach(flow);
    flow.onDone();
  }

  #detach(flow: Flow): void {
    flow.ended = true;
    this.#upOf(flow).flows.delete(flow);
    this.#downOf(flow).flows.delete(flow);
    this.#settle(flow);
  }

  #upOf(flow: Flow): Port {
    return this.#up[flow.from] as Port;
  }

  #downOf(flow: Flow): Port {
    return this.#down[flow.to] as Port;
  }

  #settle(changed: Flow): void {
    const queue = [this.#upOf(changed), this.#downOf(changed)];
    for (const port of queue) port.queued = true;
    for (let index = 0; index < queue.length && index < portsPerChange; index++) {
      const port = queue[index] as Port;
      port.queued = false;
      this.#recompute(port, queue);
    }
    for (const port of queue) port.queued = false;
    const rate = Math.min(this.#upOf(changed).share, this.#downOf(changed).share);
    if (this.#upOf(changed).flows.has(changed)) this.#setRate(changed, rate);
  }

  #recompute(port: Port, queue: Port[]): void {
    const isUp = this.#isUp(port);
    const before = port.share;
    port.share = fairShare(port, (flow) => (isUp ? this.#downOf(flow) : this.#upOf(flow)).share);
    if (Math.abs(port.share - before) <= tolerance * before && port.flows.size > 1) return;
    for (const flow of port.flows) {
      const other = isUp ? this.#downOf(flow) : this.#upOf(flow);
      const rate = Math.min(port.share, other.share);
      if (Math.abs(rate - flow.rate) > tolerance * flow.rate || flow.rate === 0) this.#setRate(flow, rate);
      if (!other.queued && Math.min(before, port.share) < other.share * (1 + tolerance)) {
        other.queued = true;
        queue.push(other);
      }
    }
  }

  #isUp(port: Port): boolean {
    const [first] = port.flows;
    return first !== undefined && this.#upOf(first) === port;
  }

  #setRate(flow: Flow, rate: number): void {
    this.#advance(flow);
    flow.rate = rate;
    this.#events.move(flow.slot, rate > 0 ? this.#events.nowMs + flow.remaining / rate : Infinity);
  }

  #advance(flow: Flow): void {
    flow.remaining = Math.max(0, flow.remaining - flow.rate * (this.#events.nowMs - flow.updatedMs));
    flow.updatedMs = this.#events.nowMs;
  }
}

/** Water filling of one port: flows that get less elsewhere leave the rest to the others. */
const fairShare = (port: Port, elsewhere: (flow: Flow) => number): number => {
  if (port.flows.size === 0) return port.capacity;
  const caps = new Float64Array(port.flows.size);
  let index = 0;
  for (const flow of port.flows) caps[index++] = elsewhere(flow);
  caps.sort();
  let left = port.capacity;
  for (index = 0; index < caps.length; index++) {
    const share = left / (caps.length - index);
    const cap = caps[index] ?? 0;
    if (cap >= share) return share;
    left -= cap;
  }
  return left + (caps.at(-1) ?? 0);
};
