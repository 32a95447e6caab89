import { formatBytes } from '@shoal/core';
import type { PullResult } from './pull.ts';

/** One agent's pull and where its bytes came from, in bytes. */
export interface AgentRow {
  readonly name: string;
  readonly pull: PullResult;
  readonly peers: number;
  readonly origin: number;
  readonly http: number;
}

export interface DemoResult {
  readonly imageBytes: number;
  readonly agents: readonly AgentRow[];
  /** What the origin sent to the swarm and by HTTP to agents, in bytes. */
  readonly originSentBytes: number;
  readonly makespanMs: number;
  /** The makespan of the same pulls from caches that hold the image. */
  readonly warmMs: number;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;

/** Columns as wide as their widest cell, the first to the left, the others to the right. */
const table = (rows: readonly (readonly string[])[]): string[] => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('   '),
  );
};

/** The table an agent and the figures of the whole run. */
export const report = ({ imageBytes, agents, originSentBytes, makespanMs, warmMs }: DemoResult): string[] => {
  const header = ['agent', 'time', 'first byte', 'from peers', 'from origin', 'http'];
  const rows = agents.map(({ name, pull, peers, origin, http }) => [
    name,
    seconds(pull.durationMs),
    seconds(pull.firstByteMs),
    formatBytes(peers),
    formatBytes(origin),
    formatBytes(http),
  ]);
  const delivered = agents.length * imageBytes;
  const rate = delivered / (warmMs / 1000);
  return [
    ...table([header, ...rows]),
    '',
    `delivered: ${formatBytes(delivered)} = ${agents.length} agents x ${formatBytes(imageBytes)}`,
    `origin copies: ${(originSentBytes / imageBytes).toFixed(2)}`,
    `makespan: ${seconds(makespanMs)}, ${(makespanMs / warmMs).toFixed(2)} times the lower bound of ${seconds(warmMs)}`,
    `  The bound is N x F / R: N agents, F bytes of image, and R = ${formatBytes(rate)}/s, the rate at which the same`,
    '  pulls ran again from full caches. On one machine all processes share the same cores and no link is the limit,',
    '  so R is what this machine can deliver and check at all; the copying between the agents is not in the bound.',
  ];
};
