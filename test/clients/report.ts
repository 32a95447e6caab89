import type { Cell, Outcome } from './cell.ts';
import { type Fault, faults, type Way } from './faults.ts';
import type { Matrix } from './matrix.ts';
import { verdict } from './verdict.ts';

/** One line for a person. */
export const describeOutcome = (outcome: Outcome): string => {
  switch (outcome.kind) {
    case 'ok':
      return `${outcome.seconds.toFixed(1)} s from ${outcome.from}`;
    case 'failed':
    case 'refused':
      return `${outcome.kind} after ${outcome.seconds.toFixed(1)} s: ${shortReason(outcome.reason)}`;
    default:
      return `${outcome.kind}: ${shortReason(outcome.reason)}`;
  }
};

/** The last line of what a client said, without what differs from run to run. */
export const shortReason = (reason: string): string => {
  const line = reason.trim().split('\n').at(-1) ?? '';
  const said = line
    .replaceAll(/sha256:[0-9a-f]{64}/g, 'sha256:...')
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1')
    .replaceAll(/\/tmp\/\S+/g, '/tmp/...')
    .replace(/^time="[^"]*" level=\w+ msg=/, '')
    .replaceAll('|', '\\|');
  return said.length <= reasonMax ? said : `...${said.slice(-reasonMax)}`;
};

const reasonMax = 160;

/** What stands in a table: seconds, `R` where the client went on at the registry, bold where it fails without Shoal. */
const mark = (cells: readonly Cell[], cell: Cell, fault: Fault): string => {
  const { outcome } = cell;
  if (outcome.kind === 'not run') return '-';
  if (outcome.kind === 'ok') {
    const text = `${outcome.seconds.toFixed(1)} s${outcome.from === 'agent' || cell.way === 'plain registry' ? '' : ' R'}`;
    return cell.way !== 'plain registry' && verdict(cells, cell, fault) === 'better' ? `**${text}**` : text;
  }
  if (outcome.kind === 'wrong') return fault.refused ? 'GIVEN' : 'WRONG BYTES';
  if (outcome.kind === 'refused') return 'refused';
  return cell.way !== 'plain registry' && verdict(cells, cell, fault) === 'worse' ? 'FAILS' : 'fails';
};

const titles: Readonly<Record<Way, string>> = {
  'own name': 'By the name of the agent',
  mirror: 'With the agent as a mirror',
  'plain registry': 'Without Shoal, at docker-registry behind the same proxy',
};

/** The clients of one way in rows, the faults in columns. */
const table = (matrix: Matrix, way: Way): string => {
  const run = faults.filter(({ name }) => matrix.cells.some((cell) => cell.fault === name && cell.way === way));
  const header = [`| client | ${run.map(({ name }) => name).join(' | ')} |`, `|---|${run.map(() => '---').join('|')}|`];
  const rows = matrix.clients.map(({ name, version, missing }) => {
    if (missing !== undefined) return `| ${name} | not run: ${missing} |`;
    const own = matrix.cells.filter((cell) => cell.client === name && cell.way === way);
    const never = own.every(({ outcome }) => outcome.kind === 'not run') ? own[0]?.outcome : undefined;
    if (never?.kind === 'not run') return `| ${name} ${version} | not run: ${never.reason} |`;
    const marks = run.map((fault) => {
      const cell = own.find((candidate) => candidate.fault === fault.name);
      return cell ? mark(matrix.cells, cell, fault) : '-';
    });
    return `| ${name} ${version} | ${marks.join(' | ')} |`;
  });
  return [`### ${titles[way]}`, '', ...header, ...rows].join('\n');
};

/** A client that has no mirrors is said so once, in its row. */
const isNothing = (outcome: Outcome): boolean => outcome.kind === 'not run' && outcome.reason.endsWith('no mirrors');

/** Every pull through Shoal that did not end well or was not run, with the reason. */
const exceptions = ({ cells }: Matrix): string[] => {
  const lines = cells.flatMap((cell) => {
    const fault = faults.find(({ name }) => name === cell.fault);
    const through = cell.way !== 'plain registry';
    if (!fault || !through || cell.outcome.kind === 'ok' || cell.outcome.kind === 'refused' || isNothing(cell.outcome))
      return [];
    const judged = verdict(cells, cell, fault);
    const end = judged === undefined ? '' : ` (${judged})`;
    return [`- ${cell.client}, ${cell.way}, ${cell.fault}: ${describeOutcome(cell.outcome)}${end}`];
  });
  return lines.length === 0 ? [] : ['### What failed, and what was not run', '', ...lines, ''];
};

/** The generated part of docs/CLIENTS.md. */
export const markdown = (matrix: Matrix, date: string): string => {
  const described = faults.map(({ name, what, plain }) => {
    const without = typeof plain === 'object' ? `as with "${plain.as}"` : (plain ?? 'not compared');
    return `| ${name} | ${what} | ${without} |`;
  });
  const ways: readonly Way[] = ['own name', 'mirror', 'plain registry'];
  return [
    `Run on ${date}.`,
    '',
    ...['| fault | with Shoal | without |', '|---|---|---|', ...described, ''],
    ...ways.flatMap((way) => [table(matrix, way), '']),
    ...exceptions(matrix),
  ].join('\n');
};

/** What makes a run a failure, one line each: pulls that are worse with Shoal, or were to be run and could not. */
export const problems = ({ cells }: Matrix): string[] =>
  cells.flatMap((cell) => {
    const fault = faults.find(({ name }) => name === cell.fault);
    const bad = fault && cell.way !== 'plain registry' && verdict(cells, cell, fault) === 'worse';
    const idle = cell.outcome.kind === 'not run' && !isNothing(cell.outcome);
    const text = `${cell.client}, ${cell.way}, ${cell.fault}: ${describeOutcome(cell.outcome)}`;
    return bad || idle ? [`${bad ? 'worse than without Shoal: ' : ''}${text}`] : [];
  });
