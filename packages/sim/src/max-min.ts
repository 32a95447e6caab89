import { grown } from './grown.ts';

/** A change travels through at most so many ports, for every share of the tolerance: the exact solution may take all. */
const portsPerChange = (tolerance: number): number => (tolerance === 0 ? 100_000 : 256);

/** The port that a flow with fewer ports than others names in their place: it never limits anything. */
const noPort = 0;

/**
 * Flows through ports of limited capacity, shared max-min. The shares are found by distributed water filling: each port
 * computes its fair share from the shares its flows get at their other ports, and only ports whose share moved by more
 * than `tolerance` are looked at again. So the rates are max-min to within a few per cent (a test compares them with the
 * exact solution) and a change costs the neighbourhood and not the whole network. Ports and flows are numbers, and what is
 * known of them stands in flat arrays: this is the hottest loop of the simulator.
 * Source: Charny, Clark, Jain, "Congestion control with explicit rate indication" (consistent marking).
 */
export class MaxMin {
  readonly #tolerance: number;
  /** Ports a flow names. */
  readonly #width: number;
  readonly #changed: (flow: number, rate: number) => void;
  readonly #capacities: number[] = [Infinity];
  /** What one more byte-hungry flow would get at each port: the advertised fair share. */
  #shares = new Float64Array(64).fill(Infinity);
  /** Flows by port. */
  readonly #flows: number[][] = [[]];
  #queued = new Uint8Array(64);
  /** How many flows each port limits, what the others took less since its share was found, and how much may be ignored. */
  #limits = new Uint16Array(64);
  #drift = new Float64Array(64);
  #slack = new Float64Array(64);
  /** `width` numbers a flow: its ports, and where it stands in the list of each. */
  #ports: Int32Array;
  #places: Int32Array;
  #rates = new Float64Array(1024);
  readonly #free: number[] = [];
  #count = 0;
  readonly #queue: number[] = [];
  /** Flows that have no rate yet. */
  readonly #fresh: number[] = [];
  /** Of the port that is looked at: the least share of each flow at its other ports. */
  #elsewhere = new Float64Array(64);
  #foundLimits = 0;
  #foundLargest = 0;

  /** @param changed is told the new rate of a flow, only while `settle` runs */
  constructor(width: number, tolerance: number, changed: (flow: number, rate: number) => void) {
    this.#width = width;
    this.#tolerance = tolerance;
    this.#changed = changed;
    this.#ports = new Int32Array(1024 * width);
    this.#places = new Int32Array(1024 * width);
  }

  addPort(capacity: number): number {
    const port = this.#capacities.push(capacity) - 1;
    this.#flows.push([]);
    if (port >= this.#shares.length) {
      this.#shares = grown(this.#shares, new Float64Array(port * 2));
      this.#queued = grown(this.#queued, new Uint8Array(port * 2));
      this.#limits = grown(this.#limits, new Uint16Array(port * 2));
      this.#slack = grown(this.#slack, new Float64Array(port * 2));
      this.#drift = grown(this.#drift, new Float64Array(port * 2));
    }
    this.#shares[port] = capacity;
    return port;
  }

  /** A flow through these ports; its rate is told by the next `settle`. Returns its number, valid until it is removed. */
  add(ports: readonly number[]): number {
    const flow = this.#free.pop() ?? this.#count++;
    if (flow >= this.#rates.length) this.#grow();
    this.#rates[flow] = 0;
    for (let hop = 0; hop < this.#width; hop++) {
      const port = ports[hop] ?? noPort;
      this.#ports[flow * this.#width + hop] = port;
      if (port === noPort) continue;
      this.#places[flow * this.#width + hop] = (this.#flows[port] as number[]).push(flow) - 1;
      this.#enqueue(port);
    }
    this.#fresh.push(flow);
    return flow;
  }

  remove(flow: number): void {
    const first = flow * this.#width;
    for (let hop = first; hop < first + this.#width; hop++) {
      const port = this.#ports[hop] ?? noPort;
      if (port === noPort) continue;
      const flows = this.#flows[port] as number[];
      const last = flows.pop() as number;
      const place = this.#places[hop] ?? 0;
      if (last !== flow) {
        flows[place] = last;
        this.#places[this.#hopAt(last, port)] = place;
      }
      this.#ports[hop] = noPort;
      this.#enqueue(port);
    }
    this.#rates[flow] = -1;
    this.#free.push(flow);
  }

  flowsOf(port: number): readonly number[] {
    return this.#flows[port] as number[];
  }

  /** What passes through the port in all, also while changes are not settled. */
  carried(port: number): number {
    const share = this.#fairShare(port);
    let sum = 0;
    for (let index = (this.#flows[port] as number[]).length - 1; index >= 0; index--)
      sum += Math.min(share, this.#elsewhere[index] ?? 0);
    return sum;
  }

  /** Finds the shares after everything that was added and removed since. */
  settle(): void {
    const queue = this.#queue;
    if (queue.length === 0) return;
    const most = portsPerChange(this.#tolerance) + queue.length;
    for (let index = 0; index < queue.length && index < most; index++) {
      const port = queue[index] as number;
      this.#queued[port] = 0;
      this.#recompute(port);
    }
    for (const port of queue) this.#queued[port] = 0;
    queue.length = 0;
    for (const flow of this.#fresh) if (this.#rates[flow] === 0) this.#setRate(flow, this.#least(flow, noPort));
    this.#fresh.length = 0;
  }

  #recompute(port: number): void {
    const before = this.#shares[port] as number;
    const share = this.#fairShare(port);
    const flows = this.#flows[port] as number[];
    const limits = this.#foundLimits;
    this.#limits[port] = limits;
    this.#drift[port] = 0;
    const spare = share - this.#foundLargest;
    this.#slack[port] = limits === 0 ? spare : this.#tolerance * share * limits;
    if (limits > 0 && Math.abs(share - before) <= this.#tolerance * before && flows.length > 1) {
      this.#drift[port] = (share - before) * limits;
      return;
    }
    this.#shares[port] = share;
    if (limits > 0 || before < this.#foundLargest) this.#tell(port, before);
  }

  /** The share of a port moved: what its flows get of it, and what they leave to others elsewhere. */
  #tell(port: number, before: number): void {
    const share = this.#shares[port] as number;
    const flows = this.#flows[port] as number[];
    for (let index = 0; index < flows.length; index++) {
      const flow = flows[index] as number;
      const rate = Math.min(share, this.#elsewhere[index] as number);
      const former = this.#rates[flow] as number;
      if (Math.abs(rate - former) > this.#tolerance * former || former === 0) this.#setRate(flow, rate);
      const first = flow * this.#width;
      for (let hop = first; hop < first + this.#width; hop++) {
        const other = this.#ports[hop] as number;
        if (other !== port) this.#pass(other, before, share);
      }
    }
  }

  /** A flow through `port` gets another share elsewhere: the port is looked at once that adds up to more than its slack. */
  #pass(port: number, before: number, after: number): void {
    const share = this.#shares[port] as number;
    const drift = (this.#drift[port] as number) + Math.min(before, share) - Math.min(after, share);
    this.#drift[port] = drift;
    const slack = this.#slack[port] as number;
    if (Math.abs(drift) > slack || (after >= share && this.#limits[port] === 0)) this.#enqueue(port);
  }

  #setRate(flow: number, rate: number): void {
    this.#rates[flow] = rate;
    this.#changed(flow, rate);
  }

  #enqueue(port: number): void {
    if (port === noPort || this.#queued[port] === 1) return;
    this.#queued[port] = 1;
    this.#queue.push(port);
  }

  /** The least share of a flow at its ports but one. */
  #least(flow: number, except: number): number {
    let least = Infinity;
    const first = flow * this.#width;
    for (let hop = first; hop < first + this.#width; hop++) {
      const port = this.#ports[hop] as number;
      const share = this.#shares[port] as number;
      if (port !== except && share < least) least = share;
    }
    return least;
  }

  /** Water filling of one port: flows that get less elsewhere leave the rest to the others. Fills `#elsewhere`. */
  #fairShare(port: number): number {
    const flows = this.#flows[port] as number[];
    const capacity = this.#capacities[port] as number;
    const { length } = flows;
    this.#foundLimits = 0;
    this.#foundLargest = 0;
    if (length === 0) return capacity;
    if (length > this.#elsewhere.length) this.#elsewhere = new Float64Array(length * 2);
    const elsewhere = this.#elsewhere;
    for (let index = 0; index < length; index++) elsewhere[index] = this.#least(flows[index] as number, port);
    // Newton's method: sum(min(elsewhere, share)) is concave, so that the second share and all later ones rise.
    let share = this.#shares[port] as number;
    for (let round = 0, open = -1; ; round++) {
      let left = capacity;
      let largest = 0;
      let still = 0;
      for (let index = 0; index < length; index++) {
        const least = elsewhere[index] as number;
        if (least >= share) still++;
        else {
          left -= least;
          if (least > largest) largest = least;
        }
      }
      this.#foundLimits = still;
      this.#foundLargest = largest;
      if (still === open || (round > 1 && still > open)) return share;
      if (still === 0 && (round > 0 || left >= 0)) return left + largest;
      open = still;
      share = still === 0 ? capacity / length : left / still;
    }
  }

  #hopAt(flow: number, port: number): number {
    let hop = flow * this.#width;
    while (this.#ports[hop] !== port) hop++;
    return hop;
  }

  #grow(): void {
    const length = this.#rates.length * 2;
    this.#rates = grown(this.#rates, new Float64Array(length));
    this.#ports = grown(this.#ports, new Int32Array(length * this.#width));
    this.#places = grown(this.#places, new Int32Array(length * this.#width));
  }
}
