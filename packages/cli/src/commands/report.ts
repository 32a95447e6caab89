import type { Output } from '../command.ts';
import type { Change } from '../install/settle.ts';

/** What install and uninstall say; `--json` prints it as it is. */
export interface Report {
  readonly command: 'install' | 'uninstall';
  readonly runtime: string;
  readonly root: string;
  readonly dryRun: boolean;
  readonly result: 'done' | 'nothing to do';
  /** A sentence for people. */
  readonly summary: string;
  readonly files: readonly Change[];
  /** What the operator has to do now. */
  readonly todo: readonly string[];
  readonly notes: readonly string[];
}

export const printReport = (report: Report, json: boolean, { out }: Output): void =>
  out(json ? JSON.stringify(report, undefined, 2) : readable(report));

const readable = ({ summary, dryRun, files, todo, notes }: Report): string =>
  [
    dryRun ? `Dry run, nothing is changed. ${summary}` : summary,
    ...files.map(
      ({ action, path, backup }) => `  ${action.padEnd(9)}  ${path}${backup ? ` (as it was: ${backup})` : ''}`,
    ),
    ...section('To do:', todo),
    ...section('Good to know:', notes),
  ].join('\n');

const section = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`)];

/** The files that were, or in a dry run would be, written or removed. */
export const changedPaths = (files: readonly Change[]): string[] =>
  files.filter(({ action }) => action !== 'unchanged').map(({ path }) => path);
