import { ShoalError } from '@shoal/core';
import type { ConfigProblem } from './definition.ts';

export interface LocatedProblem extends ConfigProblem {
  /** Where the value stands: `agent.yaml:12`, `SHOAL_AGENT_ADMIN_PORT`. */
  readonly source?: string;
  readonly hidden?: boolean;
  /** The key itself is what is wrong. */
  readonly unknown?: boolean;
}

/** A configuration that a service does not start with; the process ends with exit code 2. */
export class ConfigError extends ShoalError {
  readonly problems: readonly LocatedProblem[];

  constructor(service: string, problems: readonly LocatedProblem[]) {
    const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
    super(
      'CONFIG_INVALID',
      500,
      [
        `the configuration of the ${service} has ${count}:`,
        ...problems.map((problem) => `  ${problemText(problem)}`),
      ].join('\n'),
    );
    this.problems = problems;
  }
}

/** `admin.port: 70000 is not allowed; allowed is a port from 0 to 65535 (agent.yaml:4)`. */
export const problemText = (problem: LocatedProblem): string => {
  const { key, value, allowed, source } = problem;
  return `${key}: ${complaint(value, problem)}; ${allowed}${source ? ` (${source})` : ''}`;
};

const complaint = (value: unknown, { hidden, unknown }: LocatedProblem): string => {
  if (value === undefined) return 'is missing';
  const shown = hidden ? 'the value (not shown)' : printable(value);
  return unknown ? `is an unknown key, given with ${shown}` : `${shown} is not allowed`;
};

const printable = (value: unknown): string => {
  const json = JSON.stringify(value) ?? String(value);
  // A login in a URL is a secret wherever it stands.
  const shown = json.replace(/(\/\/)[^/@"\s]+@/g, '$1[not shown]@');
  return shown.length > 120 ? `${shown.slice(0, 117)}...` : shown;
};
