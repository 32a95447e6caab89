import { type Digest, isDigest, isTag, parseRepositoryName, type RepositoryName, type Tag } from '@shoal/core';
import { type GetRecord, type NoRecord, recordBytesMax, type RecordKind, type RecordMessage } from '@shoal/protocol';
import type { ExchangeLimits } from './limits.ts';
import type { Peer } from './peer.ts';

type Found = Promise<Uint8Array | undefined> | Uint8Array | undefined;

/** Where the answers to peers' GET_RECORDs come from. Undefined: not here. `repository` may be empty for digests. */
export interface RecordProvider {
  /** encodeMetainfo bytes. */
  metainfo(digest: Digest, repository: RepositoryName | ''): Found;
  /** encodeTagRecord bytes. */
  tag(repository: RepositoryName, tag: Tag): Found;
  /** The content itself, at most `recordBlobBytesMax` bytes. */
  blob(digest: Digest, repository: RepositoryName | ''): Found;
}

export interface RecordQuery {
  readonly kind: RecordKind;
  /** A digest, or for `tag` a tag. */
  readonly key: string;
  readonly repository: string;
}

interface Asked {
  readonly peer: Peer;
  readonly answer: (bytes: Uint8Array | undefined) => void;
}

/** GET_RECORD both ways: signed metainfo, tag records and small blobs that travel whole. */
export class Records {
  readonly #limits: ExchangeLimits;
  readonly #provider: RecordProvider | undefined;
  readonly #asked = new Map<number, Asked>();
  readonly #load = new Map<Peer, { asked: number; served: number }>();
  #nextId = 1;

  constructor(limits: ExchangeLimits, provider: RecordProvider | undefined) {
    this.#limits = limits;
    this.#provider = provider;
  }

  /** Whether anything is under way on the link. */
  busy(peer: Peer): boolean {
    return this.#load.has(peer);
  }

  /** The record, or undefined: the peer has none, is overloaded, is gone or did not answer in time. */
  ask(peer: Peer, { kind, key, repository }: RecordQuery, timeoutMs: number): Promise<Uint8Array | undefined> {
    const load = this.#of(peer);
    if (!peer.link.open || load.asked >= this.#limits.recordsPerLinkMax) return Promise.resolve(undefined);
    const id = this.#nextId;
    this.#nextId = (this.#nextId % 0xffff_ffff) + 1;
    load.asked++;
    return new Promise((resolve) => {
      const answer = (bytes: Uint8Array | undefined): void => {
        clearTimeout(timer);
        this.#asked.delete(id);
        load.asked--;
        this.#release(peer);
        resolve(bytes);
      };
      const timer = setTimeout(() => answer(undefined), timeoutMs);
      this.#asked.set(id, { peer, answer });
      peer.link.send({ type: 'getRecord', id, kind, key, repository });
    });
  }

  /** RECORD or NO_RECORD. An answer that nobody waits for any more is dropped. */
  answered(peer: Peer, message: RecordMessage | NoRecord): void {
    const asked = this.#asked.get(message.id);
    if (asked?.peer !== peer) return;
    asked.answer(message.type === 'record' ? message.bytes : undefined);
  }

  /** GET_RECORD. */
  async serve(peer: Peer, query: GetRecord): Promise<void> {
    const load = this.#of(peer);
    if (load.served >= this.#limits.recordsPerLinkMax) return this.#deny(peer, query.id, 'overloaded');
    load.served++;
    try {
      const bytes = await this.#find(query);
      if (bytes === undefined) this.#deny(peer, query.id, 'not here');
      else if (bytes.length > this.#bytesMax(query.kind)) this.#deny(peer, query.id, 'too large for a record');
      else if (this.#clogged(peer, bytes)) this.#deny(peer, query.id, 'overloaded');
      else peer.link.send({ type: 'record', id: query.id, bytes });
    } catch {
      this.#deny(peer, query.id, 'it could not be read');
    } finally {
      load.served--;
      this.#release(peer);
    }
  }

  linkClosed(peer: Peer): void {
    for (const asked of [...this.#asked.values()]) if (asked.peer === peer) asked.answer(undefined);
    this.#load.delete(peer);
  }

  #find({ kind, key, repository }: GetRecord): Found {
    if (!this.#provider) return undefined;
    const name = repository === '' ? '' : parseRepositoryName(repository);
    if (kind === 'tag') return name !== '' && isTag(key) ? this.#provider.tag(name, key) : undefined;
    if (!isDigest(key)) return undefined;
    return kind === 'metainfo' ? this.#provider.metainfo(key, name) : this.#provider.blob(key, name);
  }

  /** Records that a slow peer has asked for must not close the link that its downloads run over. */
  #clogged({ link }: Peer, bytes: Uint8Array): boolean {
    return link.queuedBytes > 0 && link.queuedBytes + bytes.length > this.#limits.recordsQueuedBytesMax;
  }

  #bytesMax(kind: RecordKind): number {
    return kind === 'blob' ? this.#limits.recordBlobBytesMax : recordBytesMax;
  }

  #deny(peer: Peer, id: number, reason: string): void {
    peer.link.send({ type: 'noRecord', id, reason });
  }

  #of(peer: Peer): { asked: number; served: number } {
    let load = this.#load.get(peer);
    if (!load) this.#load.set(peer, (load = { asked: 0, served: 0 }));
    return load;
  }

  #release(peer: Peer): void {
    const load = this.#load.get(peer);
    if (load?.asked === 0 && load.served === 0) this.#load.delete(peer);
  }
}
