/** @import { Frame } from '../src/ui/views.ts' */
/** @import { Nodes } from './model.js' */
import { applyFrame } from './model.js';

/** A recording, and the moment of it that is shown. Going back begins anew: there are at most some hundred frames. */
export class Player {
  /** @type {readonly Frame[]} */
  #frames;
  #next = 0;
  /** @type {Nodes} */
  nodes = new Map();

  /** @param {readonly Frame[]} frames in the order of their times */
  constructor(frames) {
    this.#frames = frames;
    this.seek(this.startMs);
  }

  get startMs() {
    return this.#frames[0]?.atMs ?? 0;
  }

  get endMs() {
    return this.#frames.at(-1)?.atMs ?? 0;
  }

  /**
   * Shows what was there at this moment.
   * @param {number} ms as in the frames
   * @returns {boolean} whether anything is different now
   */
  seek(ms) {
    const before = this.#next;
    if ((this.#frames[this.#next - 1]?.atMs ?? -Infinity) > ms) {
      this.#next = 0;
      this.nodes = new Map();
    }
    for (let frame = this.#frames[this.#next]; frame && frame.atMs <= ms; frame = this.#frames[this.#next]) {
      applyFrame(this.nodes, frame);
      this.#next++;
    }
    return this.#next !== before;
  }
}
