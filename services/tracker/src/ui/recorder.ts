import type { LiveSwarm } from './live-swarm.ts';
import type { LiveSwarms } from './live-swarms.ts';
import { Recording } from './recording.ts';
import type { RecordingRow, RecordingView } from './views.ts';

export interface RecorderLimits {
  /** Finished swarms that are kept; 0 records nothing. */
  readonly recordingsMax: number;
  /** Of each, as JSON. */
  readonly recordingBytesMax: number;
}

interface Running {
  readonly swarm: LiveSwarm;
  readonly recording: Recording;
  version: number;
  idleSinceMs: number | undefined;
}

/** Swarms recorded at the same time; those that begin meanwhile are not. */
const runningMax = 8;
const framesMax = 240;
const gapMs = 500;
/** A swarm is finished when nobody has fetched anything for so long: the next node of a rollout may come a moment later. */
const idleMs = 10_000;

/** Records the swarms in which somebody fetches, and keeps the last ones that have finished. */
export class Recorder {
  readonly #limits: RecorderLimits;
  readonly #running = new Map<LiveSwarm, Running>();
  /** The oldest first. */
  readonly #finished: Recording[] = [];
  #serial = 0;

  constructor(limits: RecorderLimits) {
    this.#limits = limits;
  }

  /** Bytes of all recordings. */
  get bytes(): number {
    const running = [...this.#running.values()].map(({ recording }) => recording);
    return [...running, ...this.#finished].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  tick(swarms: LiveSwarms, nowMs: number): void {
    const downloading = swarms.downloading();
    for (const swarm of downloading) this.#begin(swarm, nowMs);
    for (const running of this.#running.values()) {
      const { swarm, recording } = running;
      const busy = swarm.downloading && swarms.get(swarm.id) === swarm;
      running.idleSinceMs = busy ? undefined : (running.idleSinceMs ?? nowMs);
      if (recording.due(nowMs) || !busy) {
        if (swarm.version !== running.version) recording.add(swarm.frame(running.version, nowMs));
        running.version = swarm.version;
      }
      if (running.idleSinceMs !== undefined && nowMs - running.idleSinceMs >= idleMs) this.#finish(running);
    }
  }

  /** The newest first. */
  list(): RecordingRow[] {
    return this.#finished.toReversed().map((recording) => {
      const { shown: _shown, ...row } = recording.view();
      return row;
    });
  }

  get(id: string): RecordingView | undefined {
    return this.#finished.find((recording) => recording.id === id)?.view();
  }

  #begin(swarm: LiveSwarm, nowMs: number): void {
    const { recordingsMax, recordingBytesMax } = this.#limits;
    if (recordingsMax === 0 || this.#running.size >= runningMax || this.#running.has(swarm)) return;
    const id = `${++this.#serial}-${swarm.id.slice(0, 8)}`;
    const recording = new Recording(id, nowMs, { bytesMax: recordingBytesMax, framesMax, gapMs });
    this.#running.set(swarm, { swarm, recording, version: 0, idleSinceMs: undefined });
  }

  #finish({ swarm, recording }: Running): void {
    this.#running.delete(swarm);
    this.#finished.push(recording);
    if (this.#finished.length > this.#limits.recordingsMax) this.#finished.shift();
  }
}
