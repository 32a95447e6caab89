import type { Frame, NodeChange, NodeView, RecordingView, SwarmFrame } from './views.ts';

export interface RecordingLimits {
  /** Of the frames as JSON. */
  readonly bytesMax: number;
  readonly framesMax: number;
  /** Between two frames at first; doubled whenever there are too many frames. */
  readonly gapMs: number;
}

/** A recording of fewer frames shows nothing; it ends rather than to grow. */
const framesMin = 8;

/**
 * What happened in one swarm, bounded in frames and bytes: when it grows too long, each two frames become one and further
 * ones are taken half as often. So a short pull is kept in detail and a long one as a whole.
 */
export class Recording {
  readonly id: string;
  readonly #limits: RecordingLimits;
  readonly #last = new Map<string, NodeView>();
  readonly #seen = new Set<string>();
  readonly #startedMs: number;
  #frames: string[] = [];
  #bytes = 0;
  #gapMs: number;
  #lastMs = -Infinity;
  #row: SwarmFrame['row'] = null;
  #cut = false;

  constructor(id: string, startedMs: number, limits: RecordingLimits) {
    this.id = id;
    this.#startedMs = startedMs;
    this.#limits = limits;
    this.#gapMs = limits.gapMs;
  }

  /** In bytes of JSON. */
  get bytes(): number {
    return this.#bytes;
  }

  due(nowMs: number): boolean {
    return !this.#cut && nowMs - this.#lastMs >= this.#gapMs;
  }

  /** A frame with what has changed since the last one that was added. */
  add({ row, ...frame }: SwarmFrame): void {
    if (this.#cut) return;
    this.#row = row ?? this.#row;
    this.#lastMs = frame.atMs;
    const nodes = frame.nodes.map((node) => this.#change(node as NodeView));
    for (const id of frame.gone) this.#last.delete(id);
    if (nodes.length === 0 && frame.gone.length === 0 && this.#frames.length > 0) return;
    this.#push(JSON.stringify({ ...frame, whole: this.#frames.length === 0, nodes } satisfies Frame));
    const { bytesMax, framesMax } = this.#limits;
    while (this.#bytes > bytesMax || this.#frames.length > framesMax) {
      if (this.#frames.length < framesMin) {
        this.#cut = true;
        this.#bytes -= this.#frames.pop()?.length ?? 0;
        return;
      }
      this.#thin();
    }
  }

  view(): RecordingView {
    const { id, bytes } = this;
    const frames = this.#frames.length;
    const { swarm = '', digest = '', size = 0, pieces = 0 } = this.#row ?? {};
    const times = { startedMs: this.#startedMs, endedMs: Math.max(this.#lastMs, this.#startedMs) };
    const shown = this.#frames.map((text) => JSON.parse(text) as Frame);
    return { id, swarm, digest, size, pieces, nodes: this.#seen.size, ...times, frames, bytes, cut: this.#cut, shown };
  }

  #push(text: string): void {
    this.#frames.push(text);
    this.#bytes += text.length;
  }

  /** What differs from the frame before: most of a node stays as it is. */
  #change(node: NodeView): NodeChange {
    const before = this.#last.get(node.id);
    this.#last.set(node.id, node);
    this.#seen.add(node.id);
    return before ? difference(before, node) : node;
  }

  #thin(): void {
    const frames = this.#frames.map((text) => JSON.parse(text) as Frame);
    this.#frames = [];
    this.#bytes = 0;
    this.#gapMs *= 2;
    // The first frame stays: it is the beginning.
    for (const [index, frame] of frames.entries()) {
      const next = frames[index + 1];
      if (index === 0 || (index % 2 === 1 && !next)) this.#push(JSON.stringify(frame));
      else if (index % 2 === 1 && next) this.#push(JSON.stringify(merged(frame, next)));
    }
  }
}

/** Of the fields that a report changes every time only those that show. */
export const difference = (before: NodeView, after: NodeView): NodeChange => {
  const change: Record<string, unknown> = {};
  for (const key of Object.keys(after) as (keyof NodeView)[]) {
    if (key !== 'heardMs' && JSON.stringify(before[key]) !== JSON.stringify(after[key])) change[key] = after[key];
  }
  return { ...change, id: after.id };
};

/** Two frames in a row as one: what the second one says of a node counts, and who left and came again is there. */
export const merged = (first: Frame, second: Frame): Frame => {
  if (second.whole) return second;
  const nodes = new Map(first.nodes.map((node) => [node.id, node]));
  const gone = new Set(first.gone);
  for (const id of second.gone) {
    nodes.delete(id);
    gone.add(id);
  }
  for (const node of second.nodes) nodes.set(node.id, { ...nodes.get(node.id), ...node });
  return { atMs: second.atMs, whole: first.whole, nodes: [...nodes.values()], gone: [...gone] };
};
