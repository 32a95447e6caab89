import type { Cell, Outcome } from './cell.ts';
import type { Fault, Way } from './faults.ts';

/** How a pull through Shoal compares with the same client and fault without it. */
export type Verdict = 'works' | 'better' | 'fails without Shoal too' | 'worse';

const cellOf = (cells: readonly Cell[], client: string, way: Way, fault: string): Outcome | undefined =>
  cells.find((cell) => cell.client === client && cell.way === way && cell.fault === fault)?.outcome;

/** The fault that a client without Shoal has in the place of this one; undefined where there is none like it. */
const plainFault = ({ name, plain }: Fault): string | undefined =>
  typeof plain === 'object' ? plain.as : plain && name;

/** Nothing for what was not run. A failure that was not compared counts as worse. */
export const verdict = (cells: readonly Cell[], cell: Cell, fault: Fault): Verdict | undefined => {
  const { kind } = cell.outcome;
  if (kind === 'not run') return undefined;
  if (kind === 'wrong') return 'worse';
  if (kind === 'refused') return 'works';
  const likened = plainFault(fault);
  const without = likened === undefined ? undefined : cellOf(cells, cell.client, 'plain registry', likened)?.kind;
  if (kind === 'ok') return without === 'failed' || without === 'wrong' ? 'better' : 'works';
  return without === 'failed' ? 'fails without Shoal too' : 'worse';
};
