import { type RepositoryName, type SwarmId, type Tag, tagSwarmIdOf } from '@shoal/core';
import { sha256 } from '@shoal/store';
import type { Announcer } from '../tracker/announcer.ts';

/** Tells the trackers which tag records this node holds, so that others find them while every origin is down. */
export class TagAnnouncer {
  readonly #announcer: Pick<Announcer, 'touch' | 'complete' | 'leave'>;

  constructor(announcer: Pick<Announcer, 'touch' | 'complete' | 'leave'>) {
    this.#announcer = announcer;
  }

  kept(repository: RepositoryName, tag: Tag): void {
    const swarm = swarmOf(repository, tag);
    if (this.#announcer.touch(swarm)) return;
    this.#announcer.complete({ swarm, status: () => ({ have: 1, pieces: 1, degree: 0, want: 0 }) });
  }

  forgotten(repository: RepositoryName, tag: Tag): void {
    this.#announcer.leave(swarmOf(repository, tag));
  }
}

const swarmOf = (repository: RepositoryName, tag: Tag): SwarmId => tagSwarmIdOf(repository, tag, sha256);
