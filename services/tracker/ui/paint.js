/** @import { Edge } from './edges.js' */
/** @import { Place, ZoneDisc } from './layout.js' */
/** @import { State } from './model.js' */
/** @import { Transform } from './view.js' */
import { plural } from './format.js';
import { colours, mix } from './theme.js';

/** @typedef {{ id: string, place: Place, state: State, progress: number }} Mark */

/** Steps between nothing and all: marks of one step are painted in one go. */
const steps = 16;
/** From this radius on, in pixels, a node is a pie of its progress. */
const pieRadius = 5;
const full = 2 * Math.PI;

/** @param {CanvasRenderingContext2D} context @param {ZoneDisc[]} zones @param {Transform} at */
export const drawZones = (context, zones, at) => {
  context.font = '600 12px system-ui, "DejaVu Sans", sans-serif';
  context.textAlign = 'center';
  for (const zone of zones) {
    const [x, y, radius] = [zone.x * at.scale + at.x, zone.y * at.scale + at.y, zone.radius * at.scale];
    context.fillStyle = colours['disc'] ?? '';
    context.beginPath();
    context.arc(x, y, radius, 0, full);
    context.fill();
    if (zone.name === '' && zones.length === 1) continue;
    context.fillStyle = colours['soft'] ?? '';
    // On the outer side, where no other zone is.
    const above = zone.y <= 0;
    const label = `${zone.name === '' ? 'no zone' : zone.name}: ${plural(zone.nodes, 'node')}`;
    context.fillText(label, x, above ? y - radius - 6 : y + radius + 14);
  }
};

/**
 * @param {CanvasRenderingContext2D} context @param {Edge[]} edges @param {Transform} at
 * @param {{ alpha: number, width: number }} line
 */
export const drawEdges = (context, edges, at, { alpha, width }) => {
  context.globalAlpha = alpha;
  context.lineWidth = width;
  for (const kind of /** @type {const} */ (['near', 'abroad', 'origin'])) {
    context.strokeStyle = colours[kind === 'near' ? 'edge' : kind] ?? '';
    context.beginPath();
    for (const edge of edges) {
      if (edge.kind !== kind) continue;
      context.moveTo(edge.from.x * at.scale + at.x, edge.from.y * at.scale + at.y);
      context.lineTo(edge.to.x * at.scale + at.x, edge.to.y * at.scale + at.y);
    }
    context.stroke();
  }
  context.globalAlpha = 1;
};

/**
 * @param {CanvasRenderingContext2D} context @param {Mark[]} marks @param {Transform} at
 * @param {{ chosen: string | undefined, hovered: string | undefined }} marked
 */
export const drawNodes = (context, marks, at, { chosen, hovered }) => {
  const radius = Math.max(1.8, Math.min(15, at.scale * 0.36));
  const shown = marks.map(({ place, ...mark }) => ({
    ...mark,
    x: place.x * at.scale + at.x,
    y: place.y * at.scale + at.y,
  }));
  /** @type {Map<string, typeof shown>} */
  const layers = new Map();
  for (const mark of shown) {
    const step = mark.state === 'complete' ? steps : Math.min(steps - 1, Math.floor(mark.progress * steps));
    const name =
      mark.state === 'origin' ? 'origin' : radius >= pieRadius ? 'pie' : `${mark.state === 'complete'}:${step}`;
    const layer = layers.get(name);
    if (layer) layer.push(mark);
    else layers.set(name, [mark]);
  }
  for (const [name, layer] of layers) {
    if (name === 'origin') for (const { x, y } of layer) diamond(context, x, y, Math.max(6, radius * 1.2));
    else if (name === 'pie') pies(context, layer, radius);
    else dots(context, layer, radius, layer[0]?.state === 'complete', layer[0]?.progress ?? 0);
  }
  ring(
    context,
    shown.filter(({ state }) => state === 'still'),
    radius + 1,
    'still',
    2,
  );
  ring(
    context,
    shown.filter(({ id }) => id === hovered),
    radius + 4,
    'soft',
    2,
  );
  ring(
    context,
    shown.filter(({ id }) => id === chosen),
    radius + 4,
    'focus',
    3,
  );
};

/** @typedef {{ x: number, y: number, state: State, progress: number }} Spot */

/** @param {CanvasRenderingContext2D} context @param {Spot[]} spots @param {number} radius @param {boolean} complete @param {number} progress */
const dots = (context, spots, radius, complete, progress) => {
  const colour = mix(colours['empty'] ?? '', colours['downloading'] ?? '', 0.15 + 0.85 * progress);
  context.fillStyle = complete ? (colours['complete'] ?? '') : `rgb(${colour.join(' ')})`;
  circles(context, spots, radius);
  context.fill();
};

/** @param {CanvasRenderingContext2D} context @param {Spot[]} spots @param {number} radius */
const pies = (context, spots, radius) => {
  const partial = spots.filter(({ state }) => state !== 'complete');
  context.fillStyle = colours['complete'] ?? '';
  circles(
    context,
    spots.filter(({ state }) => state === 'complete'),
    radius,
  );
  context.fill();
  context.fillStyle = colours['empty'] ?? '';
  circles(context, partial, radius);
  context.fill();
  context.fillStyle = colours['downloading'] ?? '';
  context.beginPath();
  for (const { x, y, progress } of partial) {
    if (progress <= 0) continue;
    context.moveTo(x, y);
    context.arc(x, y, radius, -Math.PI / 2, -Math.PI / 2 + full * progress);
    context.closePath();
  }
  context.fill();
  context.strokeStyle = colours['downloading'] ?? '';
  context.lineWidth = 1.2;
  circles(context, partial, radius);
  context.stroke();
};

/** @param {CanvasRenderingContext2D} context @param {Spot[]} spots @param {number} radius @param {string} colour @param {number} width */
const ring = (context, spots, radius, colour, width) => {
  if (spots.length === 0) return;
  context.strokeStyle = colours[colour] ?? '';
  context.lineWidth = width;
  circles(context, spots, radius);
  context.stroke();
};

/** @param {CanvasRenderingContext2D} context @param {Spot[]} spots @param {number} radius */
const circles = (context, spots, radius) => {
  context.beginPath();
  for (const { x, y } of spots) {
    context.moveTo(x + radius, y);
    context.arc(x, y, radius, 0, full);
  }
};

/** @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {number} radius */
const diamond = (context, x, y, radius) => {
  context.fillStyle = colours['origin'] ?? '';
  context.beginPath();
  context.moveTo(x, y - radius);
  context.lineTo(x + radius, y);
  context.lineTo(x, y + radius);
  context.lineTo(x - radius, y);
  context.fill();
};
