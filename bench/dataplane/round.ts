import type { BlobFile } from './blob-file.ts';
import type { BenchCluster } from './cluster.ts';
import type { Figures } from './figures.ts';
import type { Client } from './processes.ts';

/** What one run over all scenarios works with: a blob that nobody has seen before. */
export interface Round {
  readonly figures: Figures;
  readonly cluster: BenchCluster;
  readonly client: Client;
  readonly blob: BlobFile;
}

export type Scenario = (round: Round) => Promise<void>;

export const repository = 'bench/blob';

export const blobPath = (digest: string): string => `/v2/${repository}/blobs/${digest}`;

export const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;
