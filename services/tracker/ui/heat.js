/** @import { Nodes } from './model.js' */
/** @import { NodeView } from '../src/ui/views.ts' */
import { Painting } from './canvas.js';
import { byZone, copies, partCount, progressOf, share } from './model.js';
import { colours, mix, rgb } from './theme.js';

const labelWidth = 92;
const bandHeight = 16;
const bandsMax = 6;
const gap = 3;

/**
 * Where the parts of a blob are: a band for all nodes and one a zone, the darker the more of them hold a part, and below a
 * line a node, those that have most on top.
 */
export class Heat {
  /** @type {Nodes} */
  #nodes = new Map();
  #pieces = 0;
  #painting;
  #rows = document.createElement('canvas');

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#painting = new Painting(canvas, () => this.#draw());
  }

  /** @param {Nodes} nodes @param {number} pieces */
  update(nodes, pieces) {
    this.#nodes = nodes;
    this.#pieces = pieces;
    this.redraw();
  }

  redraw() {
    this.#painting.soon();
  }

  #draw() {
    this.#painting.clear();
    const { context, size } = this.#painting;
    const parts = partCount(this.#nodes.values());
    if (parts === 0 || size.width <= labelWidth) return;
    const zones = byZone(this.#nodes);
    const bands = [['all nodes', [...this.#nodes.values()]], ...(zones.size > 1 ? zones : [])].slice(0, bandsMax);
    context.font = '11px system-ui, "DejaVu Sans", sans-serif';
    context.textBaseline = 'middle';
    let y = 0;
    for (const [name, nodes] of /** @type {[string, NodeView[]][]} */ (bands)) {
      label(context, name === '' ? 'no zone' : name, y + bandHeight / 2);
      const width = (size.width - labelWidth) / parts;
      for (const [part, count] of copies(nodes, parts).entries()) {
        context.fillStyle = `rgb(${heatColour(count / Math.max(1, nodes.length)).join(' ')})`;
        context.fillRect(labelWidth + part * width, y, Math.max(1, width - (width > 6 ? 1 : 0)), bandHeight);
      }
      y += bandHeight + gap;
    }
    if (size.height - y < 12) return;
    label(context, 'each node', y + 10);
    const height = Math.min(size.height - y - 2, this.#nodes.size * 14);
    this.#paintRows(parts);
    context.imageSmoothingEnabled = this.#nodes.size > height;
    context.drawImage(this.#rows, labelWidth, y + 2, size.width - labelWidth, height);
  }

  /** A pixel a part and node; the canvas scales them. @param {number} parts */
  #paintRows(parts) {
    const nodes = [...this.#nodes.values()].toSorted(
      (a, b) => progressOf(b, this.#pieces) - progressOf(a, this.#pieces) || (a.id < b.id ? -1 : 1),
    );
    this.#rows.width = parts;
    this.#rows.height = nodes.length;
    const context = this.#rows.getContext('2d');
    if (!context || nodes.length === 0) return;
    const image = context.createImageData(parts, nodes.length);
    const complete = pixel(rgb(colours['complete'] ?? '#000000'));
    const shades = Array.from({ length: 16 }, (_, digit) =>
      pixel(mix(colours['empty'] ?? '', colours['downloading'] ?? '', digit / 15)),
    );
    const pixels = new Uint32Array(image.data.buffer);
    let at = 0;
    for (const node of nodes) {
      for (let part = 0; part < parts; part++) {
        pixels[at++] = node.complete ? complete : (shades[Math.round(share(node.held, part) * 15)] ?? complete);
      }
    }
    context.putImageData(image, 0, 0);
  }
}

/** As an image holds it: red is the lowest byte. @param {[number, number, number]} colour */
const pixel = ([red, green, blue]) => ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;

/** @param {CanvasRenderingContext2D} context @param {string} text @param {number} y */
const label = (context, text, y) => {
  context.fillStyle = colours['soft'] ?? '';
  context.fillText(text.length > 14 ? `${text.slice(0, 13)}…` : text, 0, y, labelWidth - 6);
};

/** What nobody holds stands out. @param {number} part share of the nodes */
const heatColour = (part) =>
  part === 0
    ? rgb(colours['heat-none'] ?? '')
    : mix(colours['heat-low'] ?? '', colours['heat-high'] ?? '', Math.sqrt(part));
