import { type Cell, runCell } from './cell.ts';
import { candidates, type Client } from './clients/index.ts';
import { faults, type Fault, type Way } from './faults.ts';
import { World } from './world.ts';

export interface Selection {
  /** Names; all of them if absent. */
  readonly client?: readonly string[];
  readonly fault?: readonly string[];
  readonly way?: readonly string[];
  /** Faults that are tried at the same time, each with a cluster of its own. */
  readonly lanes: number;
}

export interface Row {
  readonly name: string;
  readonly version: string | undefined;
  /** Why it was not run. */
  readonly missing?: string;
}

export interface Matrix {
  readonly clients: readonly Row[];
  readonly cells: readonly Cell[];
}

export const ways: readonly Way[] = ['own name', 'mirror', 'plain registry'];

const chosen = (name: string, wanted: readonly string[] | undefined): boolean =>
  wanted === undefined || wanted.includes(name);

/** Runs every chosen cell; `done` hears of each. */
export const runMatrix = async (selection: Selection, done: (cell: Cell) => void): Promise<Matrix> => {
  const rows: Row[] = [];
  const clients: Client[] = [];
  for (const { name, find } of candidates.filter((candidate) => chosen(candidate.name, selection.client))) {
    const found = await find();
    if ('missing' in found) rows.push({ name, version: undefined, missing: found.missing });
    else {
      clients.push(found);
      rows.push({ name, version: found.version });
    }
  }
  const cells: Cell[] = [];
  const waiting = faults.filter(({ name }) => chosen(name, selection.fault));
  const lane = async (): Promise<void> => {
    for (let fault = waiting.shift(); fault; fault = waiting.shift()) {
      await using world = await World.start();
      for (const client of clients) {
        for (const way of ways.filter((name) => chosen(name, selection.way))) {
          const cell = await oneCell(world, client, fault, way);
          if (!cell) continue;
          cells.push(cell);
          done(cell);
        }
      }
    }
  };
  await Promise.all(Array.from({ length: selection.lanes }, lane));
  return { clients: rows, cells };
};

/** Nothing where a fault has no meaning. */
const oneCell = async (world: World, client: Client, fault: Fault, way: Way): Promise<Cell | undefined> => {
  if (way === 'plain registry' && typeof fault.plain !== 'string') return undefined;
  if (way !== 'mirror' || typeof client.mirror === 'string') return runCell(world, client, fault, way);
  return { client: client.name, way, fault: fault.name, outcome: { kind: 'not run', reason: client.mirror.none } };
};
