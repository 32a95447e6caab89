/** @import { NodeView } from '../src/ui/views.ts' */
/** @import { Nodes } from './model.js' */
import { bytes, duration, percent, plural, rate } from './format.js';
import { median, partCount, progressOf, share } from './model.js';

/**
 * `cause`: this holds the pull up. `hint`: it may. `fine`: it does not.
 * @typedef {{ level: 'cause' | 'hint' | 'fine', title: string, detail: string }} Finding
 */
/** @typedef {{ node: NodeView, nodes: Nodes, pieces: number, nowMs: number, peers: NodeView[] }} Case */

const silentMs = 30_000;
/** A node that has only just joined need not have reported yet. */
const reportedMs = 15_000;
const busyShare = 0.9;
const limitShare = 0.9;
const slowShare = 0.6;

/**
 * Why a pull is slow, by what the nodes report of themselves; the most telling first.
 * @param {NodeView} node @param {Nodes} nodes of the swarm @param {number} pieces @param {number} nowMs
 * @returns {Finding[]}
 */
export const whySlow = (node, nodes, pieces, nowMs) => {
  if (node.complete) return [done(node)];
  const peers = node.peers.flatMap((id) => nodes.get(id) ?? []);
  const about = { node, nodes, pieces, nowMs, peers };
  const found = rules.flatMap((rule) => rule(about) ?? []);
  const order = { cause: 0, hint: 1, fine: 2 };
  return found.toSorted((a, b) => order[a.level] - order[b.level]);
};

/** @param {NodeView} node @returns {Finding} */
const done = ({ doneMs, joinedMs, role }) => ({
  level: 'fine',
  title: 'It has the whole blob',
  detail: role === 'agent' && doneMs !== null && doneMs > joinedMs ? `It took ${duration(doneMs - joinedMs)}.` : '',
});

/** @param {Finding['level']} level @param {string} title @param {string} detail @returns {Finding} */
const finding = (level, title, detail) => ({ level, title, detail });

/** @type {((about: Case) => Finding | undefined)[]} */
const rules = [
  ({ node, nowMs }) => {
    const quietMs = nowMs - node.heardMs;
    if (quietMs < silentMs) return undefined;
    return finding('cause', `Silent for ${duration(quietMs)}`, 'The node has died, hangs, or reaches another tracker.');
  },
  ({ node, nowMs }) =>
    node.held === '' && nowMs - node.joinedMs >= reportedMs
      ? finding('hint', 'It sends no reports', 'Its agent is of an older version: only its announces are known.')
      : undefined,
  ({ node }) =>
    node.way === 'exhausted'
      ? finding('cause', 'Nobody delivers', 'No neighbour has what is missing and no origin answers by HTTP either.')
      : undefined,
  ({ node }) =>
    node.peers.length + node.origins.length === 0 && node.held !== ''
      ? finding(
          'cause',
          'It has no neighbours',
          'It reaches nobody’s piece port, or was told of nobody. Look at firewalls, pieces.advertise and the tracker.',
        )
      : undefined,
  ({ node: { load } }) =>
    load && load.downMax > 0 && load.down >= load.downMax * limitShare
      ? finding(
          'cause',
          'Its own download limit is reached',
          `limits.downloadBytesPerSecondMax is ${rate(load.downMax)}.`,
        )
      : undefined,
  ({ node: { load } }) =>
    load && load.busy >= busyShare
      ? finding('cause', 'Its process is busy', `The event loop works ${percent(load.busy)} of the time: it lacks CPU.`)
      : undefined,
  missingEverywhere,
  missingNearby,
  busyNeighbours,
  ({ node, nodes, peers }) => {
    const near = [...nodes.values()].filter(({ zone, id }) => zone === node.zone && id !== node.id);
    if (node.zone === '' || peers.length === 0 || peers.some(({ zone }) => zone === node.zone)) return undefined;
    const alone =
      near.length === 0 ? 'it is the only one of its zone here' : `${plural(near.length, 'node')} of it are here`;
    return finding(
      'hint',
      `All its neighbours are outside zone ${node.zone}`,
      `Links between zones are slower; ${alone}.`,
    );
  },
  ({ node: { way } }) =>
    way === 'http-any' || way === 'http-missing'
      ? finding(
          'hint',
          'It fetches by HTTP from an origin',
          'The swarm did not deliver for a while (deadlines.fallbackMs).',
        )
      : undefined,
  ({ node: { corrupt } }) =>
    corrupt > 0
      ? finding(
          'hint',
          `${plural(corrupt, 'piece')} did not match`,
          'They were thrown away, and who sent them was left.',
        )
      : undefined,
  ({ node: { bytes: of } }) => {
    const got = of.peers + of.origins + of.http;
    if (of.discarded <= got / 10 || of.discarded === 0) return undefined;
    return finding(
      'hint',
      `${bytes(of.discarded)} came twice or too late`,
      'It gives transfers up that arrive after all.',
    );
  },
  ({ node: { load, down } }) =>
    load && down > 0 && load.down > 2 * down
      ? finding('hint', 'It downloads other blobs as well', `This one gets ${rate(down)} of ${rate(load.down)}.`)
      : undefined,
  ({ node, nowMs }) =>
    node.stillSinceMs !== null
      ? finding('hint', `Nothing has arrived for ${duration(nowMs - node.stillSinceMs)}`, '')
      : undefined,
  compared,
];

/** @param {Case} about */
function missingEverywhere({ node, nodes, pieces }) {
  const parts = partCount(nodes.values());
  if (node.held === '' || parts === 0) return undefined;
  const others = [...nodes.values()].filter(({ id }) => id !== node.id);
  if (others.some(({ complete }) => complete)) return undefined;
  const lacking = lacked(node, others, parts);
  if (lacking === 0) return undefined;
  const what = `${lacking} of ${parts} parts it lacks ${lacking === 1 ? 'is' : 'are'} with no other node`;
  if (node.origins.length === 0)
    return finding('cause', what, 'Only an origin can give them, and it is connected to none.');
  return finding(
    'hint',
    what,
    `They come from the origin, which feeds ${plural(nodes.size, 'node')} (${plural(pieces, 'piece')}).`,
  );
}

/** @param {Case} about */
function missingNearby({ node, nodes, peers }) {
  const parts = partCount(nodes.values());
  if (node.held === '' || parts === 0 || peers.length === 0 || peers.some(({ complete }) => complete)) return undefined;
  const lacking = lacked(node, peers, parts);
  const missing = parts - node.held.replaceAll(/[^f]/g, '').length;
  if (lacking < missing / 2 || lacking === 0) return undefined;
  return finding(
    node.origins.length === 0 ? 'cause' : 'hint',
    'Its neighbours lack the same parts',
    `${lacking} of the ${missing} parts that it lacks are with none of its ${plural(peers.length, 'neighbour')}.`,
  );
}

/** @param {Case} about */
function busyNeighbours({ peers }) {
  const known = peers.filter(({ load }) => load !== null);
  const full = known.filter(
    ({ load }) => load && (load.waiting > 0 || (load.upMax > 0 && load.up >= load.upMax * limitShare)),
  );
  if (known.length === 0 || full.length < known.length / 2) return undefined;
  return finding(
    'hint',
    'Its neighbours send as much as they can',
    `${full.length} of ${known.length} have others waiting.`,
  );
}

/** @param {Case} about */
function compared({ node, nodes, pieces }) {
  const others = [...nodes.values()].filter(({ id, complete, down }) => id !== node.id && !complete && down > 0);
  if (others.length === 0) return undefined;
  const usual = median(others.map(({ down }) => down));
  if (node.down >= usual * slowShare) {
    const detail = `${rate(node.down)}; the median of ${plural(others.length, 'other')} is ${rate(usual)}.`;
    return finding('fine', 'It is as fast as the others', detail);
  }
  const ahead = median(others.map((other) => progressOf(other, pieces)));
  const detail = `${rate(node.down)} where the median is ${rate(usual)}; it has ${percent(progressOf(node, pieces))}, the median ${percent(ahead)}.`;
  return finding('hint', 'It is slower than the others', detail);
}

/**
 * Parts that a node lacks and none of the others has anything of.
 * @param {NodeView} node @param {NodeView[]} others @param {number} parts
 */
const lacked = (node, others, parts) => {
  let count = 0;
  for (let part = 0; part < parts; part++) {
    if (share(node.held, part) === 1) continue;
    if (!others.some(({ complete, held }) => complete || share(held, part) > 0)) count++;
  }
  return count;
};
