import { createHash } from 'node:crypto';
import { ShoalError } from '@shoal/core';
import type { Jobs, JobState } from '../preheat/jobs.ts';
import type { Wanted } from './wanted.ts';

/** One that has failed is tried again so often within the hour for which jobs are kept. */
const attemptsMax = 20;
const idPrefix = 'harbor-';

/** Preheatings that Harbor asks for: the same image with the same content is the same job, until it has failed. */
export class HarborJobs {
  readonly #jobs: Jobs;
  readonly #nodes: string;

  constructor(jobs: Jobs, nodes: string) {
    this.#jobs = jobs;
    this.#nodes = nodes;
  }

  async preheat({ image, digest }: Wanted): Promise<JobState> {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const id = `${idPrefix}${numberOf(`${image}\n${digest}\n${attempt}`)}`;
      const known = await this.#jobs.state(id);
      if (known && known.state !== 'failed') return known;
      if (!known) return this.#jobs.create({ kind: 'preheat', image }, { id, nodes: this.#nodes });
    }
    throw new ShoalError('OVERLOADED', 503, `${image} has failed ${attemptsMax} times within the hour`);
  }

  state(number: string): Promise<JobState | undefined> {
    return this.#jobs.state(`${idPrefix}${number}`);
  }
}

/** Dragonfly's jobs have numbers. */
const numberOf = (text: string): number => createHash('sha256').update(text).digest().readUIntBE(0, 6);

/** A job as Dragonfly's API shows it. */
export const dragonflyJob = ({ id, state, createdMs, failures }: JobState): object => {
  const states = { running: 'PENDING', done: 'SUCCESS', failed: 'FAILURE' } as const;
  const errors = failures.map(({ name, detail = 'the node is gone' }) => ({
    error: `${name}: ${detail}`,
    results: [],
  }));
  return {
    id: Number(id.slice(idPrefix.length)),
    created_at: new Date(createdMs).toISOString(),
    updated_at: new Date(createdMs).toISOString(),
    state: states[state],
    result: { job_states: errors },
  };
};
