/** @import { NodeView, SwarmRow } from '../src/ui/views.ts' */
/** @import { Nodes } from './model.js' */
import { el } from './dom.js';
import { bytes, duration, percent, plural, rate } from './format.js';
import { progressOf, slowestFirst } from './model.js';
import { whySlow } from './why.js';

/** @typedef {{ nodes: Nodes, pieces: number, nowMs: number, choose: (id: string) => void }} Shown */

/** What is known of a node, and why its pull is slow. @param {NodeView} node @param {Shown} shown */
export const nodeDetail = (node, { nodes, pieces, nowMs }) => {
  const got = node.bytes.peers + node.bytes.origins + node.bytes.http;
  const { load } = node;
  const doneMs = node.doneMs ?? nowMs;
  return [
    el('h2', {}, node.address || node.id),
    facts([
      ['node', node.id],
      ['zone', node.zone || 'none'],
      [
        'has',
        `${percent(progressOf(node, pieces))} (${node.complete ? pieces : node.have} of ${plural(pieces, 'piece')})`,
      ],
      [node.complete ? 'took' : 'for', duration(doneMs - node.joinedMs)],
      ['rate', `${rate(node.down)} down, ${rate(node.up)} up`],
      ['received', got === 0 ? 'nothing yet' : `${bytes(got)}, ${percent(node.bytes.peers / got)} from peers`],
      ['from origins', fromOrigins(node.bytes)],
      ['sent', bytes(node.bytes.sent)],
      ['neighbours', `${plural(node.peers.length, 'peer')}, ${plural(node.origins.length, 'origin')}`],
      ...(load ? /** @type {[string, string][]} */ ([['whole node', whole(load)]]) : []),
    ]),
    el('h3', {}, node.complete ? 'Its pull' : 'Why is this pull slow?'),
    ...whySlow(node, nodes, pieces, nowMs).map(({ level, title, detail }) =>
      el('div', { class: `finding ${level}` }, title, el('small', {}, detail)),
    ),
  ];
};

/** @param {NonNullable<NodeView['load']>} load */
const whole = ({ down, up, waiting, busy }) =>
  `${rate(down)} down, ${rate(up)} up, ${waiting} waiting, busy ${percent(busy)}`;

/** @param {{ origins: number, http: number }} of */
const fromOrigins = ({ origins, http }) =>
  http === 0 ? bytes(origins) : `${bytes(origins + http)}, ${bytes(http)} by HTTP`;

/** What is known of a swarm, and which node to look at. @param {SwarmRow} row @param {Shown} shown */
export const swarmDetail = (row, { nodes, pieces, nowMs, choose }) => {
  const sum = { peers: 0, origins: 0, http: 0 };
  for (const { bytes: of } of nodes.values()) {
    sum.peers += of.peers;
    sum.origins += of.origins;
    sum.http += of.http;
  }
  const all = sum.peers + sum.origins + sum.http;
  const parts = [
    el('h2', {}, 'Swarm'),
    facts([
      ['size', `${bytes(row.size)} in ${plural(pieces, 'piece')}`],
      ['nodes', `${row.complete} of ${row.nodes} complete`],
      ['received', bytes(all)],
      ['from peers', all === 0 ? '' : percent(sum.peers / all)],
      ['from origins', fromOrigins(sum)],
    ]),
  ];
  const slowest = [...nodes.values()].filter(({ complete }) => !complete).toSorted(slowestFirst)[0];
  if (!slowest) return parts;
  const [first] = whySlow(slowest, nodes, pieces, nowMs);
  const button = el('button', { type: 'button' }, `Why is ${slowest.address || slowest.id} slow?`);
  button.addEventListener('click', () => choose(slowest.id));
  parts.push(el('h3', {}, 'The slowest node'));
  if (first) parts.push(el('div', { class: `finding ${first.level}` }, first.title, el('small', {}, first.detail)));
  return [...parts, el('p', {}, button)];
};

/** @param {[string, string][]} rows */
const facts = (rows) => el('dl', {}, ...rows.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]));
