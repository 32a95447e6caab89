/** @import { Nodes } from './model.js' */
/** @import { Place } from './layout.js' */

/** @typedef {{ from: Place, to: Place, kind: 'near' | 'abroad' | 'origin', ids: [string, string] }} Edge */

/**
 * Who is connected to whom, each link once; both ends name it.
 * @param {Nodes} nodes @param {Map<string, Place>} places
 * @returns {Edge[]}
 */
export const edgesOf = (nodes, places) => {
  /** @type {Edge[]} */
  const edges = [];
  /** @type {Set<string>} */
  const seen = new Set();
  for (const { id, zone, peers, origins } of nodes.values()) {
    const from = places.get(id);
    if (!from) continue;
    for (const peer of peers) {
      const to = places.get(peer);
      const pair = id < peer ? id + peer : peer + id;
      if (!to || seen.has(pair)) continue;
      seen.add(pair);
      edges.push({ from, to, kind: nodes.get(peer)?.zone === zone ? 'near' : 'abroad', ids: [id, peer] });
    }
    for (const origin of origins) {
      const to = places.get(origin);
      if (to) edges.push({ from, to, kind: 'origin', ids: [id, origin] });
    }
  }
  return edges;
};
