import { type RepositoryName, type SwarmId, type Tag, tagSwarmIdOf } from '@shoal/core';
import { Lru } from '@shoal/registry';
import { sha256 } from '@shoal/store';
import type { Announcer } from '../tracker/announcer.ts';

/** Swarms whose name is known: every answer of an origin counts as a use of the one of its tag. */
const swarmsMax = 512;

/** Tells the trackers which tag records this node holds, so that others find them while every origin is down. */
export class TagAnnouncer {
  readonly #announcer: Pick<Announcer, 'touch' | 'complete' | 'leave'>;
  readonly #swarms = new Lru<string, SwarmId>({ sizeMax: swarmsMax });

  constructor(announcer: Pick<Announcer, 'touch' | 'complete' | 'leave'>) {
    this.#announcer = announcer;
  }

  kept(repository: RepositoryName, tag: Tag): void {
    const swarm = this.#swarmOf(repository, tag);
    if (this.#announcer.touch(swarm)) return;
    this.#announcer.complete({ swarm, status: () => ({ have: 1, pieces: 1, degree: 0, want: 0 }) });
  }

  forgotten(repository: RepositoryName, tag: Tag): void {
    this.#announcer.leave(this.#swarmOf(repository, tag));
  }

  #swarmOf(repository: RepositoryName, tag: Tag): SwarmId {
    const key = `${repository}:${tag}`;
    const swarm = this.#swarms.get(key) ?? tagSwarmIdOf(repository, tag, sha256);
    this.#swarms.set(key, swarm);
    return swarm;
  }
}
