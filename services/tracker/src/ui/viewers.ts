import type { ServerResponse } from 'node:http';
import type { LiveSwarm } from './live-swarm.ts';
import type { LiveSwarms } from './live-swarms.ts';
import type { Overview, SwarmFrame } from './views.ts';

interface Viewer {
  readonly stream: ServerResponse;
  /** The swarm that is looked at; empty: none. */
  readonly swarm: string;
}

/** What a swarm that is looked at was last told of. */
interface Channel {
  swarm: LiveSwarm | undefined;
  version: number;
}

export interface ViewersOptions {
  readonly swarms: LiveSwarms;
  readonly overview: () => Overview;
  readonly viewersMax: number;
  readonly clock: () => number;
}

/** A viewer that has not taken so many bytes is too slow; it is cut off, and its browser comes back. */
const backlogBytesMax = 8 * 1024 * 1024;
const aliveMs = 15_000;

/** Browsers that watch, over Server-Sent Events: `overview` for all, `frame` of the swarm that each looks at. */
export class Viewers {
  readonly #o: ViewersOptions;
  readonly #viewers = new Set<Viewer>();
  readonly #channels = new Map<string, Channel>();
  #overview = '';
  #aliveMs = 0;

  constructor(o: ViewersOptions) {
    this.#o = o;
  }

  get count(): number {
    return this.#viewers.size;
  }

  get full(): boolean {
    return this.#viewers.size >= this.#o.viewersMax;
  }

  /** Tells all that is known so far, and from now on what changes. */
  add(stream: ServerResponse, swarm: string): void {
    const viewer = { stream, swarm };
    this.#viewers.add(viewer);
    stream.once('close', () => this.#remove(viewer));
    send(viewer, event('overview', JSON.stringify(this.#o.overview())));
    if (swarm === '') return;
    // What the others of the channel are told next it is told twice; that changes nothing.
    send(viewer, event('frame', JSON.stringify(this.#frame({ swarm: undefined, version: 0 }, swarm))));
    if (!this.#channels.has(swarm)) {
      const live = this.#o.swarms.get(swarm);
      this.#channels.set(swarm, { swarm: live, version: live?.version ?? 0 });
    }
  }

  tick(): void {
    if (this.#viewers.size === 0) return;
    const frames = new Map<string, string>();
    for (const [id, channel] of this.#channels) {
      const live = this.#o.swarms.get(id);
      if (live === channel.swarm && (live?.version ?? 0) === channel.version) continue;
      frames.set(id, event('frame', JSON.stringify(this.#frame(channel, id))));
    }
    const overview = this.#changedOverview();
    for (const viewer of this.#viewers) send(viewer, overview + (frames.get(viewer.swarm) ?? ''));
  }

  close(): void {
    for (const { stream } of this.#viewers) stream.destroy();
  }

  #frame(channel: Channel, id: string): SwarmFrame {
    const live = this.#o.swarms.get(id);
    const version = live === channel.swarm ? channel.version : 0;
    channel.swarm = live;
    channel.version = live?.version ?? 0;
    const atMs = this.#o.clock();
    return live?.frame(version, atMs) ?? { atMs, whole: true, nodes: [], gone: [], row: null };
  }

  #changedOverview(): string {
    const overview = this.#o.overview();
    const { nowMs, ...rest } = overview;
    const text = JSON.stringify(rest);
    if (text === this.#overview && nowMs - this.#aliveMs < aliveMs) return '';
    this.#overview = text;
    this.#aliveMs = nowMs;
    return event('overview', JSON.stringify(overview));
  }

  #remove(viewer: Viewer): void {
    this.#viewers.delete(viewer);
    for (const { swarm } of this.#viewers) if (swarm === viewer.swarm) return;
    this.#channels.delete(viewer.swarm);
  }
}

const event = (name: string, data: string): string => `event: ${name}\ndata: ${data}\n\n`;

const send = ({ stream }: Viewer, text: string): void => {
  if (text === '') return;
  if (stream.writableLength > backlogBytesMax) stream.destroy();
  else stream.write(text);
};
