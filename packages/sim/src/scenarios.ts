import { type WorldOptions, worldDefaults } from './world-options.ts';

const MiB = 1024 * 1024;

/** A gigabit a node, 256 pieces of 1 MiB, everybody within 20 ms. */
const small = (agents: number): Partial<WorldOptions> => ({
  agents,
  pieceCount: 256,
  pieceLength: MiB,
  arrivalSpreadMs: 20,
  leech: { deadlineFloorMs: 50 },
});

export const scenarios: Readonly<Record<string, Partial<WorldOptions>>> = {
  'one-to-one': { agents: 1 },
  'small-16': small(16),
  'small-32': small(32),
  'small-64': small(64),
  'readers-32': { ...small(32), readers: true },
  'churn-32': { ...small(32), deaths: 4, deathSpreadMs: 2000, deathSeenMs: 50 },
  'silent-32': { ...small(32), deaths: 4, deathSpreadMs: 2000, deathSeenMs: 60_000 },
  'corrupt-32': { ...small(32), corruptAgents: 2, corruptShare: 0.1 },
  'unlimited-32': { ...small(32), egressKnown: false },
  'origins-3': { ...small(32), origins: 3 },
  'fast-origin-8': { ...small(8), originUp: 1_250_000 },
};

export const scenarioOptions = (name: string, seed: number): WorldOptions => {
  const scenario = scenarios[name];
  if (!scenario)
    throw new RangeError(
      `scenario: ${JSON.stringify(name)} is not known; allowed are ${Object.keys(scenarios).join(', ')}`,
    );
  return { ...worldDefaults, ...scenario, seed };
};
