import type { EventQueue } from './event-queue.ts';

/** One transfer under way. Bytes and bytes/ms. */
export interface Flow {
  readonly from: number;
  readonly to: number;
  readonly blob: number;
  readonly piece: number;
  readonly bytes: number;
  /** What it passes through: `out` and `into` are the trunks of two zones. `ports`: all of them. */
  readonly up: Port;
  readonly down: Port;
  readonly out: Port | undefined;
  readonly into: Port | undefined;
  readonly ports: readonly Port[];
  /** Where it stands in the list of each port. */
  readonly places: number[];
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
  readonly flows: Flow[];
  queued: boolean;
}

/** A change travels through at most so many ports, for every share of the tolerance: the exact solution may take all. */
const portsPerChange = (tolerance: number): number => (tolerance === 0 ? 100_000 : 256);

/**
 * Uplinks, downlinks and the trunks of zones, shared max-min by fluid flows; no loss, no slow start. The shares are found
 * by distributed water filling: each port computes its fair share from the shares its flows get at their other ports,
 * and only ports whose share moved by more than `tolerance` are looked at again. So the rates are max-min to within a few
 * per cent (a test compares them with the exact solution) and a change costs the neighbourhood and not the whole network.
 * Source: Charny, Clark, Jain, "Congestion control with explicit rate indication" (consistent marking).
 */
export class Network {
  readonly #events: EventQueue;
  readonly #up: Port[] = [];
  readonly #down: Port[] = [];
  readonly #zoneOf: number[] = [];
  readonly #trunks: { readonly out: Port; readonly in: Port }[] = [];
  readonly #queue: Port[] = [];
  readonly #tolerance: number;

  /** @param tolerance shares and rates that differ by less are left as they are; 0: exact */
  constructor(events: EventQueue, tolerance = 0.02) {
    this.#events = events;
    this.#tolerance = tolerance;
  }

  /** Rates in bytes/ms. Returns the node's number. */
  addNode(up: number, down: number, zone = 0): number {
    this.#up.push(newPort(up));
    this.#down.push(newPort(down));
    this.#zoneOf.push(zone);
    return this.#up.length - 1;
  }

  /** Everything that leaves or enters a zone shares `capacity` bytes/ms each way. Zones are added in their order. */
  addTrunk(capacity: number): void {
    this.#trunks.push({ out: newPort(capacity), in: newPort(capacity) });
  }

  start(
    { from, to, blob = 0, piece, bytes }: { from: number; to: number; blob?: number; piece: number; bytes: number },
    onDone: () => void,
  ): Flow {
    const path = this.#path(from, to);
    const { up, down, out, into } = path;
    const ports = out && into ? [up, out, into, down] : [up, down];
    const flow: Flow = {
      ...path,
      from,
      to,
      blob,
      piece,
      bytes,
      ports,
      places: ports.map(() => 0),
      remaining: bytes,
      rate: 0,
      updatedMs: this.#events.nowMs,
      slot: -1,
      ended: false,
      onDone,
    };
    flow.slot = this.#events.schedule(Infinity, () => this.#done(flow));
    for (let hop = 0; hop < ports.length; hop++) {
      const { flows } = ports[hop] as Port;
      flow.places[hop] = flows.length;
      flows.push(flow);
    }
    this.#settle(flow, true);
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
    if (flow.ended || flow.places[0] === -1) return;
    this.#advance(flow);
    this.#events.move(flow.slot, Infinity);
    flow.rate = 0;
    this.#leave(flow);
  }

  /** What a node sends now, in bytes/ms. */
  egress(node: number): number {
    let sum = 0;
    for (const { rate } of this.flowsFrom(node)) sum += rate;
    return sum;
  }

  flowsFrom(node: number): readonly Flow[] {
    return (this.#up[node] as Port).flows;
  }

  flowsTo(node: number): readonly Flow[] {
    return (this.#down[node] as Port).flows;
  }

  crosses(from: number, to: number): boolean {
    return this.#zoneOf[from] !== this.#zoneOf[to];
  }

  #path(from: number, to: number): Pick<Flow, 'up' | 'down' | 'out' | 'into'> {
    const [up, down] = [this.#up[from] as Port, this.#down[to] as Port];
    const leaving = this.#trunks[this.#zoneOf[from] ?? 0];
    const entering = this.#trunks[this.#zoneOf[to] ?? 0];
    const crosses = leaving !== entering;
    return { up, down, out: crosses ? leaving?.out : undefined, into: crosses ? entering?.in : undefined };
  }

  #done(flow: Flow): void {
    this.#advance(flow);
    flow.remaining = 0;
    this.#detach(flow);
    flow.onDone();
  }

  #detach(flow: Flow): void {
    flow.ended = true;
    this.#leave(flow);
  }

  #leave(flow: Flow): void {
    if (flow.places[0] === -1) return;
    for (let hop = 0; hop < flow.ports.length; hop++) {
      const port = flow.ports[hop] as Port;
      const last = port.flows.pop() as Flow;
      const place = flow.places[hop] ?? 0;
      if (last !== flow) {
        port.flows[place] = last;
        last.places[last.ports.indexOf(port)] = place;
      }
      flow.places[hop] = -1;
    }
    this.#settle(flow, false);
  }

  #settle(changed: Flow, runs: boolean): void {
    const queue = this.#queue;
    const most = portsPerChange(this.#tolerance);
    for (const port of changed.ports) {
      port.queued = true;
      queue.push(port);
    }
    for (let index = 0; index < queue.length && index < most; index++) {
      const port = queue[index] as Port;
      port.queued = false;
      this.#recompute(port);
    }
    for (const port of queue) port.queued = false;
    queue.length = 0;
    if (runs) this.#setRate(changed, leastShare(changed, undefined));
  }

  #recompute(port: Port): void {
    const tolerance = this.#tolerance;
    const before = port.share;
    port.share = fairShare(port);
    const { share, flows } = port;
    if (Math.abs(share - before) <= tolerance * before && flows.length > 1) return;
    const moved = Math.min(before, share);
    for (let index = 0; index < flows.length; index++) {
      const flow = flows[index] as Flow;
      const rate = Math.min(share, leastShare(flow, port));
      if (Math.abs(rate - flow.rate) > tolerance * flow.rate || flow.rate === 0) this.#setRate(flow, rate);
      for (const other of flow.ports) {
        if (other === port || other.queued || moved >= other.share * (1 + tolerance)) continue;
        other.queued = true;
        this.#queue.push(other);
      }
    }
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

const newPort = (capacity: number): Port => ({ capacity, share: capacity, flows: [], queued: false });

const leastShare = ({ up, down, out, into }: Flow, except: Port | undefined): number => {
  let least = up === except ? Infinity : up.share;
  if (down !== except && down.share < least) least = down.share;
  if (!out || !into) return least;
  if (out !== except && out.share < least) least = out.share;
  return into !== except && into.share < least ? into.share : least;
};

/** Water filling of one port: flows that get less elsewhere leave the rest to the others. */
const fairShare = (port: Port): number => {
  const { flows, capacity } = port;
  if (flows.length === 0) return capacity;
  let share = capacity / flows.length;
  for (let open = flows.length; ;) {
    let left = capacity;
    let largest = 0;
    let still = 0;
    for (let index = 0; index < flows.length; index++) {
      const flow = flows[index] as Flow;
      const elsewhere = leastShare(flow, port);
      if (elsewhere >= share) still++;
      else {
        left -= elsewhere;
        largest = Math.max(largest, elsewhere);
      }
    }
    if (still === 0) return left + largest;
    if (still >= open) return share;
    open = still;
    share = left / still;
  }
};
