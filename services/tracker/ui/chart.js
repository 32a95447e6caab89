import { Painting } from './canvas.js';
import { rate } from './format.js';
import { colours } from './theme.js';

const pointsMax = 600;
const labelHeight = 14;

/** A rate over time. */
export class Chart {
  /** @type {{ atMs: number, value: number }[]} */
  #points = [];
  #painting;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#painting = new Painting(canvas, () => this.#draw());
  }

  reset() {
    this.#points = [];
    this.redraw();
  }

  /** @param {number} atMs @param {number} value bytes a second */
  add(atMs, value) {
    const last = this.#points.at(-1);
    if (last && last.atMs >= atMs) this.#points = this.#points.filter((point) => point.atMs < atMs);
    this.#points.push({ atMs, value });
    if (this.#points.length > pointsMax) this.#points.shift();
    this.redraw();
  }

  redraw() {
    this.#painting.soon();
  }

  #draw() {
    this.#painting.clear();
    const { context, size } = this.#painting;
    const [first, last] = [this.#points[0], this.#points.at(-1)];
    if (!first || !last || size.height < 2 * labelHeight) return;
    const most = Math.max(1, ...this.#points.map(({ value }) => value));
    const span = Math.max(1000, last.atMs - first.atMs);
    const height = size.height - labelHeight - 2;
    const x = (/** @type {number} */ atMs) => ((atMs - first.atMs) / span) * size.width;
    const y = (/** @type {number} */ value) => labelHeight + height * (1 - value / most);
    context.strokeStyle = colours['line'] ?? '';
    context.lineWidth = 1;
    context.beginPath();
    for (const value of [0, most / 2, most]) {
      context.moveTo(0, Math.round(y(value)) + 0.5);
      context.lineTo(size.width, Math.round(y(value)) + 0.5);
    }
    context.stroke();
    context.beginPath();
    context.moveTo(x(first.atMs), y(0));
    for (const { atMs, value } of this.#points) context.lineTo(x(atMs), y(value));
    context.lineTo(x(last.atMs), y(0));
    context.globalAlpha = 0.25;
    context.fillStyle = colours['downloading'] ?? '';
    context.fill();
    context.globalAlpha = 1;
    context.beginPath();
    for (const { atMs, value } of this.#points) context.lineTo(x(atMs), y(value));
    context.strokeStyle = colours['downloading'] ?? '';
    context.lineWidth = 1.5;
    context.stroke();
    context.fillStyle = colours['soft'] ?? '';
    context.font = '11px system-ui, "DejaVu Sans", sans-serif';
    context.textBaseline = 'alphabetic';
    context.fillText(rate(most), 0, labelHeight - 3);
  }
}
