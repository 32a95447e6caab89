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

/** Runs every chosen cell; `done` hears of each. With `stop` it ends early, with everything cleared away. */
export const runMatrix = async (
  selection: Selection,
  done: (cell: Cell) => void,
  stop: AbortSignal,
): Promise<Matrix> => {
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
  const waiting = columns(selection);
  const lane = async (): Promise<void> => {
    for (let column = waiting.shift(); column && !stop.aborted; column = waiting.shift()) {
      await using world = await World.start(column.fault).catch((error: unknown) => unstarted(error));
      for (const client of clients.filter((_, index) => index % column.parts === column.part)) {
        for (const way of column.ways) {
          if (stop.aborted) return;
          const cell = await oneCell(world, client, column.fault, way, stop);
          cells.push(cell);
          done(cell);
        }
      }
    }
  };
  await Promise.all(Array.from({ length: selection.lanes }, lane));
  return { clients: rows, cells };
};

interface Unstarted extends AsyncDisposable {
  readonly reason: string;
}

const unstarted = (error: unknown): Unstarted => ({
  reason: `Shoal did not start: ${error instanceof Error ? error.message : String(error)}`,
  [Symbol.asyncDispose]: async () => {},
});

interface Column {
  readonly fault: Fault;
  readonly ways: readonly Way[];
  /** Every `parts`th client, from the `part`th on. */
  readonly part: number;
  readonly parts: number;
}

/** What takes long waits most of the time, so that several clients can do so at once. */
const longParts = 3;

const isLong = ({ name }: Fault): boolean => /^(stalled|agent killed)/.test(name);

/** Pulls with and without Shoal are apart, so that they can run at the same time. What takes longest is first. */
const columns = (selection: Selection): Column[] => {
  const wanted = ways.filter((way) => chosen(way, selection.way));
  const columnsOf = (fault: Fault): Column[] => {
    const parts = isLong(fault) ? longParts : 1;
    return Array.from({ length: parts }, (_, part) => part).flatMap((part) => [
      { fault, part, parts, ways: wanted.filter((way) => way !== 'plain registry') },
      { fault, part, parts, ways: wanted.filter((way) => way === 'plain registry' && typeof fault.plain === 'string') },
    ]);
  };
  return faults
    .filter(({ name }) => chosen(name, selection.fault))
    .flatMap(columnsOf)
    .filter((column) => column.ways.length > 0)
    .toSorted((one, other) => Number(isLong(other.fault)) - Number(isLong(one.fault)));
};

const oneCell = async (
  world: World | Unstarted,
  client: Client,
  fault: Fault,
  way: Way,
  stop: AbortSignal,
): Promise<Cell> => {
  const notRun = (reason: string): Cell => ({
    ...{ client: client.name, way, fault: fault.name },
    outcome: { kind: 'not run', reason },
  });
  if (way === 'mirror' && typeof client.mirror === 'object') return notRun(client.mirror.none);
  if ('reason' in world) return notRun(world.reason);
  try {
    return await runCell(world, client, fault, way, stop);
  } catch (error) {
    return notRun(error instanceof Error ? error.message : String(error));
  }
};
