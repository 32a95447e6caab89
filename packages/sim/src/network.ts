import type { EventQueue } from './event-queue.ts';
import { grown } from './grown.ts';
import { MaxMin } from './max-min.ts';

/** One transfer under way. Bytes and bytes/ms. */
export interface Flow {
  readonly from: number;
  readonly to: number;
  readonly blob: number;
  readonly piece: number;
  readonly bytes: number;
  /** Its number among the flows that share the network now; -1 when it takes nothing any more. */
  number: number;
  /** Bytes that got through, once it takes nothing any more. */
  moved: number;
  readonly onDone: () => void;
}

/**
 * Uplinks, downlinks and the trunks of zones, shared max-min by fluid flows (max-min.ts); no loss, no slow start. What
 * changes in one instant is settled together at its end: the rate of a flow that begins is 0 until then.
 */
export class Network {
  readonly #events: EventQueue;
  readonly #shares: MaxMin;
  /** By the number of the flow: itself, and what changes all the time in flat arrays. Its event is in `#slots`. */
  readonly #flows: Flow[] = [];
  readonly #slots: number[] = [];
  #rates = new Float64Array(1024);
  #remaining = new Float64Array(1024);
  #updatedMs = new Float64Array(1024);
  readonly #up: number[] = [];
  readonly #down: number[] = [];
  readonly #zoneOf: number[] = [];
  readonly #trunks: readonly { readonly out: number; readonly into: number }[];

  /**
   * @param tolerance shares and rates that differ by less are left as they are; 0: exact
   * @param trunks bytes/ms each way that everything shares that leaves or enters each zone; none: no limit
   */
  constructor(events: EventQueue, tolerance = 0.02, trunks: readonly number[] = []) {
    this.#events = events;
    this.#shares = new MaxMin(trunks.length > 0 ? 4 : 2, tolerance, (flow, rate) => this.#setRate(flow, rate));
    this.#trunks = trunks.map((capacity) => ({
      out: this.#shares.addPort(capacity),
      into: this.#shares.addPort(capacity),
    }));
    events.onInstantEnd = () => this.settle();
  }

  /** Rates in bytes/ms. Returns the node's number. */
  addNode(up: number, down: number, zone = 0): number {
    this.#up.push(this.#shares.addPort(up));
    this.#down.push(this.#shares.addPort(down));
    this.#zoneOf.push(zone);
    return this.#up.length - 1;
  }

  start(
    { from, to, blob = 0, piece, bytes }: { from: number; to: number; blob?: number; piece: number; bytes: number },
    onDone: () => void,
  ): Flow {
    const number = this.#shares.add(this.#path(from, to));
    const flow: Flow = { from, to, blob, piece, bytes, number, moved: 0, onDone };
    if (number >= this.#rates.length) this.#grow();
    this.#flows[number] = flow;
    this.#rates[number] = 0;
    this.#remaining[number] = bytes;
    this.#updatedMs[number] = this.#events.nowMs;
    this.#slots[number] = this.#events.schedule(Infinity, () => this.#done(flow));
    return flow;
  }

  /** Stops a flow, which then never ends by itself, and returns the bytes it moved; again when it stands already. */
  stop(flow: Flow): number {
    const { number } = flow;
    if (number < 0) return flow.moved;
    this.#advance(number);
    this.#events.cancel(this.#slots[number] as number);
    this.#leave(flow, flow.bytes - (this.#remaining[number] as number));
    return flow.moved;
  }

  /** Bytes/ms since the last change was settled; 0 when the flow takes nothing. */
  rate({ number }: Flow): number {
    return number < 0 ? 0 : (this.#rates[number] as number);
  }

  /** Rates after all that changed by now. */
  settle(): void {
    this.#shares.settle();
  }

  /** What a node sends now, in bytes/ms. */
  egress(node: number): number {
    return this.#shares.carried(this.#up[node] as number);
  }

  flowsFrom(node: number): Flow[] {
    return this.#shares.flowsOf(this.#up[node] as number).map((number) => this.#flows[number] as Flow);
  }

  flowsTo(node: number): Flow[] {
    return this.#shares.flowsOf(this.#down[node] as number).map((number) => this.#flows[number] as Flow);
  }

  crosses(from: number, to: number): boolean {
    return this.#zoneOf[from] !== this.#zoneOf[to];
  }

  #path(from: number, to: number): number[] {
    const [up, down] = [this.#up[from] as number, this.#down[to] as number];
    const leaving = this.#trunks[this.#zoneOf[from] ?? 0];
    const entering = this.#trunks[this.#zoneOf[to] ?? 0];
    return leaving && entering && leaving !== entering ? [up, down, leaving.out, entering.into] : [up, down];
  }

  #done(flow: Flow): void {
    this.#leave(flow, flow.bytes);
    flow.onDone();
  }

  #leave(flow: Flow, moved: number): void {
    this.#shares.remove(flow.number);
    flow.number = -1;
    flow.moved = moved;
  }

  #setRate(number: number, rate: number): void {
    this.#advance(number);
    this.#rates[number] = rate;
    const endMs = rate > 0 ? this.#events.nowMs + (this.#remaining[number] as number) / rate : Infinity;
    this.#events.move(this.#slots[number] as number, endMs);
  }

  #advance(number: number): void {
    const { nowMs } = this.#events;
    const moved = (this.#rates[number] as number) * (nowMs - (this.#updatedMs[number] as number));
    this.#remaining[number] = Math.max(0, (this.#remaining[number] as number) - moved);
    this.#updatedMs[number] = nowMs;
  }

  #grow(): void {
    const length = this.#rates.length * 2;
    this.#rates = grown(this.#rates, new Float64Array(length));
    this.#remaining = grown(this.#remaining, new Float64Array(length));
    this.#updatedMs = grown(this.#updatedMs, new Float64Array(length));
  }
}
