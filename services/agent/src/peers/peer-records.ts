import { type Digest, parseAddress, type PeerId, type SwarmId } from '@shoal/core';
import type { Exchange, RecordQuery } from '@shoal/exchange';
import type { PeerEntry } from '@shoal/protocol';
import type { Link } from '@shoal/transport';
import type { TrackerClient } from '../tracker/tracker-client.ts';

/** Peers asked for one record, and links asked on top of those the tracker named. */
const peersMax = 8;
const linkedMax = 32;

/** Where the holders of a record meet at the tracker. */
type Where = { readonly digest: Digest } | { readonly swarm: SwarmId };
type Answer = Promise<Uint8Array | undefined>;
type Accept<T> = (bytes: Uint8Array) => Promise<T | undefined> | T | undefined;

export interface PeerRecordsOptions {
  readonly exchange: Pick<Exchange, 'connect' | 'askRecord' | 'links'>;
  readonly tracker: Pick<TrackerClient, 'lookup'>;
  /** This node: trackers name it too when it holds what it asks for. */
  readonly self: PeerId;
  /** For dialling and asking together. */
  readonly timeoutMs: number;
  readonly events: { lookupFailed(reason: string): void };
}

/** Signed records and small blobs from other nodes: from those the tracker names, and from all that are linked anyway. */
export class PeerRecords {
  readonly #o: PeerRecordsOptions;

  constructor(o: PeerRecordsOptions) {
    this.#o = o;
  }

  /** Everything that comes in time, unverified. Never rejects. */
  async all(query: RecordQuery, where: Where): Promise<Uint8Array[]> {
    const [linked, named] = await Promise.all([Promise.all(this.#askLinked(query)), this.#askNamed(query, where)]);
    return [...linked, ...(await Promise.all(named))].filter((bytes) => bytes !== undefined);
  }

  /** The first answer that `accept` takes; undefined when none comes in time. */
  async first<T>(query: RecordQuery, where: Where, accept: Accept<T>): Promise<T | undefined> {
    const accepted = async (answer: Answer): Promise<T> => {
      const bytes = await answer;
      const value = bytes && (await accept(bytes));
      if (value === undefined) throw new Error('not this one');
      return value;
    };
    const named = this.#askNamed(query, where).then((answers) => Promise.any(answers.map(accepted)));
    return Promise.any([...this.#askLinked(query).map(accepted), named]).catch(() => undefined);
  }

  #askLinked(query: RecordQuery): Answer[] {
    const agents = [...this.#o.exchange.links()].filter(({ remote }) => remote.role === 'agent');
    return agents.slice(0, linkedMax).map((link) => this.#ask(link, query));
  }

  async #askNamed(query: RecordQuery, where: Where): Promise<Answer[]> {
    const known = new Set([this.#o.self, ...[...this.#o.exchange.links()].map(({ remote }) => remote.peerId)]);
    const named = (await this.#lookup(where)).filter(({ peerId, role }) => role === 'agent' && !known.has(peerId));
    return named.slice(0, peersMax).map(({ address }) => this.#dialAndAsk(address, query));
  }

  #ask(link: Link, query: RecordQuery): Answer {
    return this.#o.exchange.askRecord(link, query, this.#o.timeoutMs);
  }

  async #dialAndAsk(address: string, query: RecordQuery): Promise<Uint8Array | undefined> {
    const late = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => late.resolve(undefined), this.#o.timeoutMs);
    try {
      const answer = this.#o.exchange.connect(parseAddress(address)).then((link) => this.#ask(link, query));
      return await Promise.race([answer, late.promise]);
    } catch {
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  async #lookup(where: Where): Promise<PeerEntry[]> {
    try {
      const { swarms } = await this.#o.tracker.lookup(where, peersMax);
      return swarms.flatMap(({ peers }) => peers);
    } catch (error) {
      this.#o.events.lookupFailed((error as Error).message);
      return [];
    }
  }
}
