import { decodeMetainfo, type Digest, metainfoStatement, type Signature, type SignedMetainfo } from '@shoal/core';
import { sha256 } from '@shoal/store';
import type { OriginClient } from '../origin/origin-client.ts';
import type { Origins } from '../origin/origins.ts';
import { SingleFlight } from '@shoal/registry';
import type { ClusterBook } from './cluster-book.ts';

/** A signature by an unknown key sends the node to the origins at most this often. */
const refreshMinMs = 5_000;
const retryMs = 2_000;
const routineMs = 300_000;

export interface LearnerEvents {
  clusterLearned(origin: string, keys: number): void;
}

export interface LearnerOptions {
  readonly book: ClusterBook;
  readonly origins: Pick<Origins, 'clients' | 'answered' | 'failed'>;
  readonly events: LearnerEvents;
  readonly clock: () => number;
}

/** Keeps the facts of the cluster up to date: at start, from time to time, and when a signature's key is unknown. */
export class ClusterLearner {
  readonly #o: LearnerOptions;
  readonly #flight = new SingleFlight<void>({ keysMax: 1 });
  #timer: NodeJS.Timeout | undefined;
  #learnedAtMs = -Infinity;
  #stopped = false;

  constructor(o: LearnerOptions) {
    this.#o = o;
  }

  /** Asks all origins once, then goes on in the background. Resolves also when none answered. */
  async start(): Promise<void> {
    await this.learn();
    this.#arm();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** Concurrent calls share one round. Never rejects. */
  learn(): Promise<void> {
    return this.#flight.run('learn', async () => {
      this.#learnedAtMs = this.#o.clock();
      await Promise.all(this.#o.origins.clients.map((client) => this.#learnFrom(client)));
    });
  }

  /** The metainfo in `bytes`, or undefined when it is malformed, of another blob or signed by nobody trusted. */
  async trustedMetainfo(digest: Digest, bytes: Uint8Array): Promise<SignedMetainfo | undefined> {
    let signed: SignedMetainfo;
    try {
      signed = decodeMetainfo(bytes, sha256);
    } catch {
      return undefined;
    }
    if (signed.metainfo.digest !== digest) return undefined;
    return (await this.#verified(metainfoStatement(signed.metainfo), signed.signatures)) ? signed : undefined;
  }

  /** A signature could not be verified: its key may be newer than what is known. Asks the origins, but not too often. */
  async refresh(): Promise<void> {
    if (this.#o.clock() - this.#learnedAtMs < refreshMinMs && this.#o.book.trusting) return;
    await this.learn();
  }

  async #verified(statement: Uint8Array, signatures: readonly Signature[]): Promise<boolean> {
    if (this.#o.book.verify(statement, signatures)) return true;
    await this.refresh();
    return this.#o.book.verify(statement, signatures);
  }

  async #learnFrom(client: OriginClient): Promise<void> {
    const { book, events, origins } = this.#o;
    try {
      const told = await client.cluster();
      origins.answered(client);
      if ((await book.learn(client.url, told)) === 'learned') events.clusterLearned(client.url, told.keys.length);
    } catch (error) {
      origins.failed(client, (error as Error).message);
    }
  }

  #arm(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.start(), this.#o.book.complete ? routineMs : retryMs);
    this.#timer.unref();
  }
}
