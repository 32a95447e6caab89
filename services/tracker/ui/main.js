/** @import { Overview, RecordingRow, RecordingView, SwarmFrame, SwarmRow } from '../src/ui/views.ts' */
/** @import { Nodes } from './model.js' */
import { Chart } from './chart.js';
import { nodeDetail, swarmDetail } from './detail.js';
import { byId, el } from './dom.js';
import { startFinder } from './finder.js';
import { bytes, percent, plural, rate } from './format.js';
import { Graph } from './graph.js';
import { Heat } from './heat.js';
import { startKeys } from './keys.js';
import { showNodes, showRecordings, showSwarms } from './lists.js';
import { getRecording, getRecordings, Live } from './live.js';
import { applyFrame, partCount, progressOf, slowestFirst } from './model.js';
import { ReplayBar } from './replay-bar.js';
import { startTheme } from './theme.js';

const recordingsMs = 5000;
/** Lists and details are made anew this often at most; the graph follows every frame. */
const textMs = 250;

/** What is shown. */
const shown = {
  /** @type {Overview | undefined} */
  overview: undefined,
  /** @type {RecordingRow[]} */
  recordings: [],
  /** @type {SwarmRow | RecordingView | undefined} */
  row: undefined,
  /** Of the recording that is replayed. */
  recording: '',
  /** @type {Nodes} */
  nodes: new Map(),
  /** @type {string | undefined} */
  node: undefined,
  nowMs: 0,
};

const graph = new Graph(byId('graph', HTMLCanvasElement), {
  chosen: (id) => chooseNode(id),
  hovered: (id, x, y) => showTip(id, x, y),
});
const heat = new Heat(byId('heat', HTMLCanvasElement));
const chart = new Chart(byId('chart', HTMLCanvasElement));
const live = new Live({
  overview: (overview) => takeOverview(overview),
  frame: (frame) => takeFrame(frame),
  connected,
});
const replay = new ReplayBar(
  (player, atMs) => {
    shown.nodes = player.nodes;
    shown.nowMs = atMs;
    showNodesChanged(sumOfRates());
  },
  () => backToLive(),
);

/** @param {boolean} is */
function connected(is) {
  const status = byId('status', HTMLElement);
  status.className = is ? 'live' : 'lost';
  status.textContent = is ? 'live' : 'connection lost';
}

/** @param {Overview} overview */
function takeOverview(overview) {
  shown.overview = overview;
  const [busiest] = overview.swarms;
  if (live.swarm === '' && busiest && !replay.open) chooseSwarm(busiest.swarm);
  byId('note', HTMLElement).hidden = !overview.partial && overview.hidden === 0;
  byId('note', HTMLElement).textContent = [
    overview.partial ? 'The cluster runs several trackers: shown is what this one heard.' : '',
    overview.hidden > 0 ? `${plural(overview.hidden, 'swarm or node', 'swarms and nodes')} had no room here.` : '',
  ].join(' ');
  scheduleText();
}

/** @param {SwarmFrame} frame */
function takeFrame(frame) {
  if (replay.open) return;
  applyFrame(shown.nodes, frame);
  shown.nowMs = frame.atMs;
  if (frame.row) shown.row = frame.row;
  showNodesChanged(frame.row?.down ?? 0);
}

/** @param {number} down of all nodes */
function showNodesChanged(down) {
  const pieces = shown.row?.pieces ?? 0;
  graph.update(shown.nodes, pieces);
  heat.update(shown.nodes, pieces);
  chart.add(shown.nowMs, down);
  byId('rate-now', HTMLElement).textContent = rate(down);
  scheduleText();
}

const sumOfRates = () => [...shown.nodes.values()].reduce((sum, { down }) => sum + down, 0);

let textTimer = 0;
function scheduleText() {
  if (textTimer !== 0) return;
  textTimer = setTimeout(() => {
    textTimer = 0;
    showText();
  }, textMs);
}

function showText() {
  const { overview, recordings, row, nodes, node } = shown;
  const pieces = row?.pieces ?? 0;
  if (overview) showTiles(overview);
  showSwarms(byId('swarms', HTMLElement), overview?.swarms ?? [], replay.open ? '' : live.swarm, chooseSwarm);
  showRecordings(byId('recordings', HTMLElement), recordings, shown.recording, startReplay);
  showNodes(byId('nodes', HTMLElement), nodes.values(), { pieces, current: node, choose: chooseNode });
  const known = node === undefined ? undefined : nodes.get(node);
  const about = { nodes, pieces, nowMs: shown.nowMs, choose: chooseNode };
  const swarmRow = row ? { ...row, ...completeness() } : undefined;
  const content = known
    ? nodeDetail(known, about)
    : swarmRow
      ? swarmDetail(/** @type {SwarmRow} */ (swarmRow), about)
      : [];
  showDetail(content);
  showHead(pieces);
  byId('empty', HTMLElement).hidden = nodes.size > 0;
}

const completeness = () => ({
  nodes: shown.nodes.size,
  complete: [...shown.nodes.values()].filter(({ complete }) => complete).length,
});

let detailSign = '';
/** The focus stays where it is when nothing differs. @param {HTMLElement[]} content */
function showDetail(content) {
  const sign = content.map(({ outerHTML }) => outerHTML).join('');
  if (sign === detailSign) return;
  detailSign = sign;
  const detail = byId('detail', HTMLElement);
  const hadFocus = detail.contains(document.activeElement);
  detail.replaceChildren(...content);
  if (hadFocus) detail.querySelector('button')?.focus();
}

/** @param {number} pieces */
function showHead(pieces) {
  const { row, nodes } = shown;
  const { complete } = completeness();
  byId('title', HTMLElement).textContent = row ? row.digest || row.swarm : 'No swarm is chosen';
  const share = [...nodes.values()].reduce((sum, node) => sum + progressOf(node, pieces), 0) / Math.max(1, nodes.size);
  byId('facts', HTMLElement).textContent = row
    ? `${row.size > 0 ? `${bytes(row.size)}, ` : ''}${complete} of ${plural(nodes.size, 'node')} complete, ${percent(share)} of all bytes are there`
    : '';
  byId('node-count', HTMLElement).textContent = nodes.size > 200 ? '(the 200 slowest)' : '';
  const parts = partCount(nodes.values());
  byId('map-scale', HTMLElement).textContent = parts > 0 ? `(${parts} parts; red: nowhere)` : '';
}

/** @param {Overview} overview */
function showTiles({ nodes, downloading, down, bytes: of, swarmCount }) {
  const all = of.peers + of.origins + of.http;
  const tiles = [
    ['nodes', nodes.toLocaleString('en')],
    ['downloading', downloading.toLocaleString('en')],
    ['rate', rate(down)],
    ['bytes from peers', all === 0 ? '-' : percent(of.peers / all)],
  ].map(([name = '', value = '']) => el('div', {}, el('dt', {}, name), el('dd', {}, value)));
  byId('tiles', HTMLElement).replaceChildren(...tiles);
  byId('swarm-count', HTMLElement).textContent = swarmCount > 100 ? `(the 100 busiest of ${swarmCount})` : '';
}

/** @param {string} swarm @param {string} [node] */
function chooseSwarm(swarm, node) {
  if (swarm !== live.swarm || replay.open) reset();
  replay.stop();
  shown.recording = '';
  shown.row = shown.overview?.swarms.find((row) => row.swarm === swarm);
  chooseNode(node);
  live.watch(swarm);
  history.replaceState(null, '', `#${swarm}`);
}

function reset() {
  shown.nodes = new Map();
  chart.reset();
  graph.reset();
}

/** @param {string | undefined} id */
function chooseNode(id) {
  shown.node = id;
  graph.choose(id);
  showText();
}

/** @param {string} id */
async function startReplay(id) {
  const recording = await getRecording(id);
  reset();
  shown.recording = id;
  shown.row = recording;
  chooseNode(undefined);
  replay.start(recording);
}

function backToLive() {
  chooseSwarm(live.swarm || (shown.overview?.swarms[0]?.swarm ?? ''));
}

/** @param {string | undefined} id @param {number} x @param {number} y */
function showTip(id, x, y) {
  const tip = byId('tip', HTMLElement);
  const node = id === undefined ? undefined : shown.nodes.get(id);
  tip.hidden = id === undefined;
  if (id === undefined) return;
  const pieces = shown.row?.pieces ?? 0;
  tip.textContent = node
    ? `${node.address || node.id}${node.zone ? `, zone ${node.zone}` : ''}\n${percent(progressOf(node, pieces))}, ${rate(node.down)}, ${plural(node.degree, 'neighbour')}`
    : `origin ${id}`;
  tip.style.left = `${Math.min(x + 14, byId('scene', HTMLElement).clientWidth - 200)}px`;
  tip.style.top = `${y + 14}px`;
}

/** @param {number} by */
const nextNode = (by) => () => {
  const ids = [...shown.nodes.values()].toSorted(slowestFirst).map(({ id }) => id);
  const at = shown.node === undefined ? -1 : ids.indexOf(shown.node);
  chooseNode(ids.at(at === -1 && by < 0 ? -1 : (at + by) % ids.length));
  byId('nodes', HTMLElement).querySelector('[aria-current="true"]')?.scrollIntoView({ block: 'nearest' });
};

/** @param {number} by */
const nextSwarm = (by) => () => {
  const swarms = shown.overview?.swarms ?? [];
  const at = swarms.findIndex(({ swarm }) => swarm === live.swarm);
  const next = swarms.at((Math.max(at, 0) + by) % Math.max(1, swarms.length));
  if (next) chooseSwarm(next.swarm);
};

const readRecordings = () =>
  getRecordings().then(
    (recordings) => {
      shown.recordings = recordings;
      scheduleText();
    },
    () => undefined,
  );

const help = () => byId('help', HTMLDialogElement).showModal();
const focusSearch = startFinder(chooseSwarm);
const nextTheme = startTheme(byId('theme', HTMLButtonElement), () => {
  graph.redraw();
  heat.redraw();
  chart.redraw();
});
byId('keys', HTMLButtonElement).addEventListener('click', help);
startKeys({
  '/': focusSearch,
  '?': help,
  j: nextSwarm(1),
  k: nextSwarm(-1),
  n: nextNode(1),
  p: nextNode(-1),
  ArrowRight: nextNode(1),
  ArrowDown: nextNode(1),
  ArrowLeft: nextNode(-1),
  ArrowUp: nextNode(-1),
  s: () => chooseNode([...shown.nodes.values()].toSorted(slowestFirst)[0]?.id),
  t: nextTheme,
  '+': () => graph.view.zoom(1.4),
  '-': () => graph.view.zoom(1 / 1.4),
  0: () => graph.view.reset(),
  ' ': () => replay.toggle(),
  Escape: () => (shown.node !== undefined ? chooseNode(undefined) : replay.open ? backToLive() : undefined),
});
setInterval(readRecordings, recordingsMs);
void readRecordings();
const [, wanted = ''] = /^#([0-9a-f]{64})$/.exec(location.hash) ?? [];
if (wanted === '') live.watch('');
else chooseSwarm(wanted);
