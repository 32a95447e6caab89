import { MiB, pieceLengthFor } from '@shoal/core';
import { gatewaysPerZone } from '@shoal/swarm';
import { type BlobOptions, type WorldOptions, worldDefaults } from './world-options.ts';

/** Bytes/ms of a link. */
const Gbps = 125_000;

/** Cut as the cluster's default policy cuts it. */
const blob = (bytes: number): BlobOptions => ({ bytes, pieceLength: pieceLengthFor(bytes) });

/** Sizes from `min` to `max` bytes in equal steps, or in equal ratios. */
export const sizes = (count: number, min: number, max: number, ratios: boolean): BlobOptions[] =>
  Array.from({ length: count }, (_, index) => {
    const share = count === 1 ? 0 : index / (count - 1);
    return blob(Math.round(ratios ? min * (max / min) ** share : min + (max - min) * share));
  });

const rate = (bytesPerMs: number): Partial<WorldOptions> => ({
  agentUp: bytesPerMs,
  agentDown: bytesPerMs,
  originUp: bytesPerMs,
});

export interface Scenario {
  readonly about: string;
  readonly options: Partial<WorldOptions>;
}

/** A gigabit a node, 256 pieces of 1 MiB, everybody within 20 ms: what a real run can confirm. */
const small = (agents: number): Scenario => ({
  about: `${agents} agents at 1 Gbit/s, 256 MiB in 256 pieces`,
  options: { agents, blobs: [{ bytes: 256 * MiB, pieceLength: MiB }], ...rate(Gbps), arrivalSpreadMs: 20 },
});

/** 300 agents at 10 Gbit/s and 5 GB: what the faults are measured on. */
const crowd: Partial<WorldOptions> = {
  agents: 300,
  blobs: [blob(5e9)],
  ...rate(10 * Gbps),
  arrivalSpreadMs: 20,
};

export const scenarios: Readonly<Record<string, Scenario>> = {
  'flash-5gb-1000': {
    about: '5 GB to 1,000 agents at 5 GB/s from 1 origin, all within 10 ms',
    options: { agents: 1000, blobs: [blob(5e9)], ...rate(40 * Gbps), arrivalSpreadMs: 10 },
  },
  'kraken-2600': {
    about: '2 layers of 1.5 GB to 2,600 agents at 300 MB/s from 5 origins, all within 1 s',
    options: { agents: 2600, origins: 5, blobs: [blob(1.5e9), blob(1.5e9)], ...rate(300_000), arrivalSpreadMs: 1000 },
  },
  'many-blobs': {
    about:
      '10 of 40 blobs of 100 MB to 1 GB, all at once, to each of 200 agents (a tenth of 2,000) at 10 Gbit/s from 5 origins',
    options: {
      agents: 200,
      origins: 5,
      owners: 3,
      blobs: sizes(40, 100e6, 1e9, false),
      blobsPerAgent: 10,
      blobsAtOnce: 10,
      ...rate(10 * Gbps),
      arrivalSpreadMs: 1000,
    },
  },
  'huge-100gb': {
    about: '100 GB to 1,000 agents (a tenth of 10,000) at 10 Gbit/s from 5 origins, all within 1 s',
    options: { agents: 1000, origins: 5, blobs: [blob(100e9)], ...rate(10 * Gbps), arrivalSpreadMs: 1000 },
  },
  churn: {
    about:
      '5 GB to 300 agents from 3 origins; 5 % of the agents and 1 origin die between 1 s and 3 s, seen after 20 ms',
    options: { ...crowd, origins: 3, deaths: 15, deathFromMs: 1000, deathSpreadMs: 2000, originDeaths: 1 },
  },
  slow: {
    about: '5 GB to 300 agents from 1 origin; 10 % have a tenth of the uplink',
    options: { ...crowd, slowAgents: 30, slowUp: Gbps },
  },
  corrupt: {
    about:
      '5 GB to 300 agents from 1 origin; every piece that 1 % of them send is corrupt (they are shunned, and not counted)',
    options: { ...crowd, corruptAgents: 3 },
  },
  'tracker-down': {
    about: '5 GB (4 s) to 300 agents from 1 origin, arrivals over 2.5 s; no tracker from the third second on',
    options: { ...crowd, arrivalSpreadMs: 2500, trackerDownFromMs: 3000, trackerDownUntilMs: Infinity },
  },
  partition: {
    about: '5 GB to 300 agents from 1 origin; a random half is cut off from the rest for 1 s after 1 s',
    options: { ...crowd, partitionFromMs: 1000, partitionForMs: 1000 },
  },
  'zones-3': {
    about: '5 GB to 300 agents in 3 zones from 1 origin; all that enters or leaves a zone shares a tenth of its links',
    options: { ...crowd, zones: 3, zoneTrunk: (100 * 10 * Gbps) / 10, gateways: gatewaysPerZone },
  },
  'late-joiners': {
    about: '1 GB to 300 agents at 10 Gbit/s from 1 origin, arrivals over 30 transfer times (24 s)',
    options: { ...crowd, blobs: [blob(1e9)], arrivalSpreadMs: 24_000 },
  },
  'small-layers': {
    about: '40 layers of 100 KB to 20 MB (150 MB in all) to 1,000 agents at 10 Gbit/s from 1 origin, 3 at once',
    options: { ...crowd, agents: 1000, blobs: sizes(40, 100e3, 20e6, true) },
  },
  rolling: {
    about: '1 GB to 300 agents at 10 Gbit/s from 1 origin in 10 waves; a wave begins when the one before is complete',
    options: { ...crowd, blobs: [blob(1e9)], waves: 10 },
  },
  cold: {
    about: '1 GB to 300 agents at 10 Gbit/s from 1 origin that receives it itself at a quarter of that rate',
    options: { ...crowd, blobs: [blob(1e9)], originReceives: 2.5 * Gbps },
  },
  'small-16': small(16),
  'small-32': small(32),
  'small-64': small(64),
};

/** Counts of nodes, which `scale` multiplies. */
const counts = ['agents', 'slowAgents', 'corruptAgents', 'deaths'] as const;

/** @param scale of the number of agents, faulty ones and the trunks of zones; the blobs stay as they are */
export const scenarioOptions = (name: string, seed: number, scale = 1): WorldOptions => {
  const scenario = Object.hasOwn(scenarios, name) ? scenarios[name] : undefined;
  if (!scenario)
    throw new RangeError(
      `scenario: ${JSON.stringify(name)} is not known; allowed are ${Object.keys(scenarios).join(', ')}`,
    );
  const options = { ...worldDefaults, ...scenario.options, seed };
  const scaled = Object.fromEntries(
    counts.map((key) => [key, options[key] === 0 ? 0 : Math.max(1, Math.round(options[key] * scale))]),
  );
  return { ...options, ...scaled, zoneTrunk: options.zoneTrunk * scale };
};
