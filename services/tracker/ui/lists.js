/** @import { NodeView, RecordingRow, SwarmRow } from '../src/ui/views.ts' */
import { el, fill } from './dom.js';
import { bytes, duration, percent, plural, rate, shortDigest } from './format.js';
import { progressOf, slowestFirst, stateOf } from './model.js';

/** Rows beyond would be read by nobody; the search finds them. */
const nodesMax = 200;

/**
 * A button of a list.
 * @param {string[]} cells heading and value, then small print below both
 * @param {{ current: boolean, choose: () => void, bar?: { share: number, kind: string } }} o
 */
const row = ([heading = '', value = '', left = '', right = ''], { current, choose, bar }) => {
  const button = el(
    'button',
    { type: 'button', class: 'row', 'aria-current': String(current) },
    el('code', {}, heading),
    el('span', {}, value),
    el('small', {}, left),
    el('small', {}, right),
  );
  if (bar) button.append(el('progress', { class: `bar ${bar.kind}`, max: '1', value: String(bar.share) }));
  button.addEventListener('click', choose);
  return button;
};

/** @param {HTMLElement} list @param {readonly SwarmRow[]} swarms @param {string} current @param {(swarm: string) => void} choose */
export const showSwarms = (list, swarms, current, choose) =>
  fill(
    list,
    swarms.map((swarm) => {
      const { nodes, complete, progress, down } = swarm;
      const cells = [
        shortDigest(swarm.digest),
        swarm.size > 0 ? bytes(swarm.size) : '',
        `${complete} of ${plural(nodes, 'node')} complete`,
        complete < nodes ? rate(down) : '',
      ];
      const bar = { share: progress, kind: complete === nodes ? 'complete' : 'downloading' };
      const isCurrent = swarm.swarm === current;
      return {
        key: swarm.swarm,
        sign: JSON.stringify([cells, bar, isCurrent]),
        make: () => row(cells, { current: isCurrent, choose: () => choose(swarm.swarm), bar }),
      };
    }),
  );

/** @param {HTMLElement} list @param {readonly RecordingRow[]} recordings @param {string} current @param {(id: string) => void} choose */
export const showRecordings = (list, recordings, current, choose) =>
  fill(
    list,
    recordings.map(({ id, digest, size, nodes, startedMs, endedMs, cut }) => {
      const at = new Date(startedMs).toLocaleTimeString();
      const cells = [
        shortDigest(digest),
        bytes(size),
        `${at}, ${plural(nodes, 'node')}`,
        duration(endedMs - startedMs),
      ];
      if (cut) cells[3] += ' (cut)';
      const isCurrent = id === current;
      return {
        key: id,
        sign: JSON.stringify([cells, isCurrent]),
        make: () => row(cells, { current: isCurrent, choose: () => choose(id) }),
      };
    }),
  );

/**
 * The slowest first.
 * @param {HTMLElement} list @param {Iterable<NodeView>} nodes
 * @param {{ pieces: number, current: string | undefined, choose: (id: string) => void }} o
 */
export const showNodes = (list, nodes, { pieces, current, choose }) => {
  const shown = [...nodes].toSorted(slowestFirst).slice(0, nodesMax);
  fill(
    list,
    shown.map((node) => {
      const share = progressOf(node, pieces);
      const state = stateOf(node);
      const cells = [
        node.address || node.id,
        percent(share),
        [node.zone, state === 'still' ? 'standing still' : '', plural(node.degree, 'neighbour')]
          .filter(Boolean)
          .join(', '),
        node.complete ? (node.up > 0 ? `sends ${rate(node.up)}` : '') : rate(node.down),
      ];
      const isCurrent = node.id === current;
      const bar = { share, kind: state };
      return {
        key: node.id,
        sign: JSON.stringify([cells, isCurrent, bar]),
        make: () => row(cells, { current: isCurrent, choose: () => choose(node.id), bar }),
      };
    }),
  );
};
