/** @import { Nodes } from './model.js' */
/** @import { Edge } from './edges.js' */
/** @import { NodeView } from '../src/ui/views.ts' */
import { Painting } from './canvas.js';
import { edgesOf } from './edges.js';
import { Layout, originIds } from './layout.js';
import { progressOf, stateOf } from './model.js';
import { drawEdges, drawNodes, drawZones } from './paint.js';
import { View } from './view.js';

/** Of what is left of the way to the true progress, how much is made up for in a frame. */
const easing = 0.15;
const settled = 0.004;

/** The nodes of a swarm as they connect. Links are painted once and kept as a picture; a frame paints only the nodes. */
export class Graph {
  #layout = new Layout();
  /** @type {Nodes} */
  #nodes = new Map();
  #pieces = 0;
  /** @type {Edge[]} */
  #edges = [];
  /** What is shown of each node's progress. @type {Map<string, number>} */
  #shown = new Map();
  #links = document.createElement('canvas');
  #linksStale = true;
  /** @type {string | undefined} */
  #chosen;
  /** @type {string | undefined} */
  #hovered;
  #canvas;
  #painting;
  #view;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{ hovered: (id: string | undefined, x: number, y: number) => void, chosen: (id: string | undefined) => void }} events
   */
  constructor(canvas, events) {
    this.#canvas = canvas;
    this.#painting = new Painting(
      canvas,
      () => this.#draw(),
      () => this.redraw(),
    );
    this.#view = new View(canvas, () => this.redraw(), {
      hover: (x, y) => {
        const id = this.#at(x, y);
        if (id !== this.#hovered) {
          this.#hovered = id;
          this.#painting.soon();
        }
        events.hovered(id, x, y);
      },
      click: (x, y) => events.chosen(this.#at(x, y)),
    });
  }

  get view() {
    return this.#view;
  }

  /** A new swarm: nothing of the former one is kept. */
  reset() {
    this.#layout = new Layout();
    this.#shown.clear();
    this.#view.reset();
  }

  /** @param {Nodes} nodes @param {number} pieces */
  update(nodes, pieces) {
    this.#nodes = nodes;
    this.#pieces = pieces;
    this.#layout.update(nodes);
    this.#edges = edgesOf(nodes, this.#layout.places);
    for (const id of this.#shown.keys()) if (!nodes.has(id)) this.#shown.delete(id);
    const label = `${nodes.size} nodes in ${this.#layout.zones.length} zones, ${this.#edges.length} connections`;
    this.#canvas.setAttribute('aria-label', label);
    this.redraw();
  }

  /** @param {string | undefined} id */
  choose(id) {
    this.#chosen = id;
    this.#painting.soon();
  }

  redraw() {
    this.#linksStale = true;
    this.#painting.soon();
  }

  #draw() {
    const { context, size } = this.#painting;
    if (size.width === 0) return;
    const at = this.#view.transform(size, this.#layout.radius);
    if (this.#linksStale) this.#paintLinks(at);
    const { width, height } = this.#canvas;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    context.drawImage(this.#links, 0, 0);
    context.setTransform(size.ratio, 0, 0, size.ratio, 0, 0);
    const marked = this.#hovered ?? this.#chosen;
    if (marked !== undefined) {
      const own = this.#edges.filter(({ ids }) => ids.includes(marked));
      drawEdges(context, own, at, { alpha: 0.9, width: 1.5 });
    }
    const moving = this.#ease();
    drawNodes(context, this.#marks(), at, { chosen: this.#chosen, hovered: this.#hovered });
    if (moving) this.#painting.soon();
  }

  /** @param {import('./view.js').Transform} at */
  #paintLinks(at) {
    const { size } = this.#painting;
    this.#linksStale = false;
    this.#links.width = this.#canvas.width;
    this.#links.height = this.#canvas.height;
    const context = this.#links.getContext('2d');
    if (!context) return;
    context.setTransform(size.ratio, 0, 0, size.ratio, 0, 0);
    drawZones(context, this.#layout.zones, at);
    // However many there are, the nodes stay to be seen.
    const alpha = Math.max(0.04, Math.min(0.5, 14 / Math.sqrt(this.#edges.length + 1) / 4));
    drawEdges(context, this.#edges, at, { alpha, width: 1 });
  }

  #ease() {
    let moving = false;
    for (const node of this.#nodes.values()) {
      const target = progressOf(node, this.#pieces);
      const before = this.#shown.get(node.id) ?? target;
      const near = Math.abs(target - before) < settled;
      this.#shown.set(node.id, near ? target : before + (target - before) * easing);
      moving ||= !near;
    }
    return moving;
  }

  /** @returns {import('./paint.js').Mark[]} */
  #marks() {
    const { places } = this.#layout;
    const marks = [...this.#nodes.values()].flatMap((/** @type {NodeView} */ node) => {
      const place = places.get(node.id);
      return place ? [{ id: node.id, place, state: stateOf(node), progress: this.#shown.get(node.id) ?? 0 }] : [];
    });
    for (const id of originIds(this.#nodes)) {
      const place = places.get(id);
      if (place) marks.push({ id, place, state: 'origin', progress: 1 });
    }
    return marks;
  }

  /** @param {number} x @param {number} y in the canvas */
  #at(x, y) {
    const at = this.#view.transform(this.#painting.size, this.#layout.radius);
    let [nearest, distance] = [/** @type {string | undefined} */ (undefined), Math.max(10, at.scale * 0.5)];
    for (const [id, place] of this.#layout.places) {
      const away = Math.hypot(place.x * at.scale + at.x - x, place.y * at.scale + at.y - y);
      if (away < distance) [nearest, distance] = [id, away];
    }
    return nearest;
  }
}
