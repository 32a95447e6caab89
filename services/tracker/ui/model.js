/** @import { Frame, NodeView } from '../src/ui/views.ts' */

/** @typedef {Map<string, NodeView>} Nodes */

/** What a node is, for its colour. @typedef {'complete' | 'still' | 'downloading' | 'origin'} State */

/**
 * Applies what has changed; the map is changed in place.
 * @param {Nodes} nodes @param {Frame} frame
 */
export const applyFrame = (nodes, frame) => {
  if (frame.whole) nodes.clear();
  // Who left and came back within a frame is in both lists.
  for (const id of frame.gone) nodes.delete(id);
  for (const change of frame.nodes) {
    const before = nodes.get(change.id);
    const after = before ? { ...before, ...change } : change;
    if ('have' in after) nodes.set(change.id, /** @type {NodeView} */ (after));
  }
};

/** @param {NodeView} node @returns {State} */
export const stateOf = (node) => {
  if (node.role === 'origin') return 'origin';
  if (node.complete) return 'complete';
  return node.stillSinceMs !== null || node.way === 'exhausted' ? 'still' : 'downloading';
};

/** @param {NodeView} node @param {number} pieces 0 to 1 */
export const progressOf = (node, pieces) => (node.complete ? 1 : pieces > 0 ? Math.min(1, node.have / pieces) : 0);

/**
 * Nodes by zone, zones by name.
 * @param {Nodes} nodes
 * @returns {Map<string, NodeView[]>}
 */
export const byZone = (nodes) => {
  /** @type {Map<string, NodeView[]>} */
  const zones = new Map();
  for (const node of nodes.values()) {
    const list = zones.get(node.zone);
    if (list) list.push(node);
    else zones.set(node.zone, [node]);
  }
  return new Map([...zones].toSorted(([a], [b]) => (a < b ? -1 : 1)));
};

/** Parts that the nodes tell of. @param {Iterable<NodeView>} nodes */
export const partCount = (nodes) => {
  let parts = 0;
  for (const { held } of nodes) parts = Math.max(parts, held.length);
  return parts;
};

/**
 * How many copies of each part there are among nodes: whole ones, and parts of one for what is held in part.
 * @param {Iterable<NodeView>} nodes @param {number} parts
 * @returns {number[]}
 */
export const copies = (nodes, parts) => {
  const sum = Array.from({ length: parts }, () => 0);
  for (const { complete, held } of nodes) {
    for (let part = 0; part < parts; part++) sum[part] = (sum[part] ?? 0) + (complete ? 1 : share(held, part));
  }
  return sum;
};

/** How much of a part is held, 0 to 1. @param {string} held @param {number} part */
export const share = (held, part) => (Number.parseInt(held[part] ?? '0', 16) || 0) / 15;

/** @param {number[]} values 0 when there are none */
export const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

/**
 * Who is looked at first: who stands still, then who has least; the complete last.
 * @param {NodeView} a @param {NodeView} b
 */
export const slowestFirst = (a, b) =>
  Number(a.complete) - Number(b.complete) ||
  Number(b.stillSinceMs !== null) - Number(a.stillSinceMs !== null) ||
  a.have - b.have ||
  (a.id < b.id ? -1 : 1);
