import { formatBytes } from '@shoal/core';
import { bar, counted, percent, printable, table } from '../table.ts';

/** As a tracker answers: services/tracker/src/ui/views.ts, Overview and NodeRow. Rates in bytes a second. */
export interface Live {
  readonly overview: {
    readonly nowMs: number;
    readonly nodes: number;
    readonly downloading: number;
    readonly swarmCount: number;
    readonly down: number;
    readonly up: number;
    readonly bytes: { readonly peers: number; readonly origins: number; readonly http: number };
    readonly swarms: readonly SwarmRow[];
    readonly partial: boolean;
  };
  readonly nodes: readonly NodeRow[];
}

interface SwarmRow {
  readonly digest: string;
  readonly size: number;
  readonly nodes: number;
  readonly complete: number;
  readonly down: number;
  readonly up: number;
  /** Mean share that the nodes hold, 0 to 1. */
  readonly progress: number;
}

interface NodeRow {
  readonly id: string;
  readonly address: string;
  readonly zone: string;
  readonly role: string;
  readonly swarms: number;
  readonly downloads: number;
  readonly load: { readonly down: number; readonly up: number; readonly waiting: number; readonly busy: number } | null;
}

const barWidth = 16;
const digestWidth = 19;

/** The whole picture, swarms first; as many rows of each as there is room for. */
export const liveText = ({ overview, nodes }: Live, tracker: string, rows = Infinity): string[] => {
  const head = [
    `shoal top  ${new Date(overview.nowMs).toISOString().slice(11, 19)} UTC  ${tracker}`,
    totalsOf(overview),
    ...(overview.partial ? ['Only what this tracker heard; others of the cluster heard more.'] : []),
    '',
  ];
  // Two headings, a blank line between, and a line below each for what does not fit.
  const room = Math.max(2, rows - head.length - 5);
  const swarmRoom = Math.max(1, Math.min(overview.swarms.length, Math.max(Math.ceil(room / 2), room - nodes.length)));
  return [
    ...head,
    ...section(swarmTable(overview.swarms), swarmRoom, 'no swarm has peers now'),
    '',
    ...section(nodeTable(nodes), room - Math.min(swarmRoom, Math.max(1, overview.swarms.length)), 'no node is known'),
  ].map(printable);
};

/** One line for logs. */
export const liveLine = ({ overview }: Live): string =>
  printable(`${new Date(overview.nowMs).toISOString()} ${totalsOf(overview)}`);

const totalsOf = ({ nodes, downloading, swarmCount, down, up, bytes }: Live['overview']): string => {
  const all = bytes.peers + bytes.origins + bytes.http;
  return `${counted(nodes, 'node')}, ${downloading} downloading, ${counted(swarmCount, 'swarm')}; down ${rate(down)}, up ${rate(up)}; ${percent(bytes.peers, all)} of ${formatBytes(all)} from peers`;
};

const section = ([heading = '', ...rows]: string[], room: number, none: string): string[] => {
  if (rows.length === 0) return [heading, `  ${none}`];
  const left = rows.length - room;
  return [heading, ...rows.slice(0, room), ...(left > 0 ? [`  and ${left} more`] : [])];
};

const rate = (bytes: number): string => `${formatBytes(Math.round(bytes))}/s`;

const swarmTable = (swarms: readonly SwarmRow[]): string[] =>
  table([
    ['BLOB', 'SIZE', 'NODES', 'WHOLE', 'DOWN', 'UP', 'HELD'],
    ...swarms.map(({ digest, size, nodes, complete, down, up, progress }) => [
      digest.slice(0, digestWidth) || 'unknown',
      size === 0 ? '?' : formatBytes(size),
      String(nodes),
      String(complete),
      rate(down),
      rate(up),
      `${String(Math.floor(100 * progress)).padStart(3)} %  ${bar(progress, barWidth)}`,
    ]),
  ]);

const nodeTable = (nodes: readonly NodeRow[]): string[] =>
  table([
    ['NODE', 'ADDRESS', 'ZONE', 'DOWN', 'UP', 'WAITING', 'BUSY', 'FETCHES', 'SWARMS'],
    ...nodes.map(({ id, address, zone, role, swarms, downloads, load }) => [
      role === 'origin' ? `${id} (origin)` : id,
      address,
      zone || '-',
      load ? rate(load.down) : '-',
      load ? rate(load.up) : '-',
      load ? String(load.waiting) : '-',
      load ? `${Math.round(100 * load.busy)} %` : '-',
      String(downloads),
      String(swarms),
    ]),
  ]);
