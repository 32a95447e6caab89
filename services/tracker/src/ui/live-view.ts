import type { HeartbeatRequest, AnnounceRequest, Report } from '@shoal/protocol';
import type { TrackerConfig } from '../config.ts';
import { LiveSwarms } from './live-swarms.ts';
import { Recorder } from './recorder.ts';
import type { NodeRow, Overview } from './views.ts';
import { Viewers } from './viewers.ts';

export interface LiveViewOptions {
  readonly config: Pick<TrackerConfig, 'ui' | 'heartbeat' | 'replicas'>;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

const tickMs = 500;

/** Reports a second that the tracker asks its nodes for: enough for a picture, and little beside its other work. */
const reportsPerSecond = { alone: 100, watched: 200 };
const reportMsMin = 1000;
const reportMsMax = 10_000;

/** How often each of so many downloading nodes is to report, so that all together are not too many. */
export const reportMsFor = (downloaders: number, watched: boolean): number => {
  const perSecond = watched ? reportsPerSecond.watched : reportsPerSecond.alone;
  return Math.min(reportMsMax, Math.max(reportMsMin, Math.ceil((downloaders * 1000) / perSecond)));
};

/** What the tracker tells people: the swarms now, and those that have finished. It takes no part in what peers are told. */
export class LiveView implements AsyncDisposable {
  readonly swarms: LiveSwarms;
  readonly recorder: Recorder;
  readonly viewers: Viewers;
  readonly #partial: boolean;
  readonly #clock: () => number;
  readonly #timer: NodeJS.Timeout;
  #reportMs = reportMsMin;
  #pacedMs = -Infinity;

  constructor({ config: { ui, heartbeat, replicas }, clock }: LiveViewOptions) {
    this.#clock = clock;
    this.#partial = replicas > 1;
    this.swarms = new LiveSwarms(heartbeat.ttlMs);
    this.recorder = new Recorder({ recordingsMax: ui.recordings, recordingBytesMax: ui.recordingBytesMax });
    const overview = (): Overview => this.overview();
    this.viewers = new Viewers({ swarms: this.swarms, overview, viewersMax: ui.viewersMax, clock });
    this.#timer = setInterval(() => this.tick(), tickMs).unref();
  }

  /** How often a node is to report; part of every answer to it. */
  get reportMs(): number {
    return this.#reportMs;
  }

  announced({ peer, swarms }: AnnounceRequest): void {
    this.swarms.announced(peer, swarms, this.#clock());
  }

  beat({ peer }: HeartbeatRequest): void {
    this.swarms.beat(peer, this.#clock());
  }

  reported(report: Report): void {
    this.swarms.reported(report, this.#clock());
  }

  overview(): Overview {
    return { ...this.swarms.overview(this.#clock()), partial: this.#partial, reportMs: this.#reportMs };
  }

  /** The busiest. */
  nodes(): NodeRow[] {
    return this.swarms.nodes(this.#clock());
  }

  tick(): void {
    const nowMs = this.#clock();
    this.swarms.expire(nowMs);
    this.recorder.tick(this.swarms, nowMs);
    if (nowMs - this.#pacedMs >= reportMsMin) {
      this.#pacedMs = nowMs;
      this.#reportMs = reportMsFor(this.swarms.downloaders, this.viewers.count > 0);
    }
    this.viewers.tick();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.viewers.close();
  }
}
