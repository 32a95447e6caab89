import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultPieceLengthPolicy, type PieceLengthPolicy, type PublicKeyRecord, type Signature } from '@shoal/core';
import { TrustedKeys, writeFileAtomic } from '@shoal/store';
import type { ClusterAnnouncement } from '@shoal/protocol';

/** What is kept in `cluster.json`: learned once, it lets the node work while every origin is down. */
interface ClusterFile {
  readonly formatVersion: 1;
  readonly clusterId: string;
  readonly keys: readonly PublicKeyRecord[];
  readonly pieceLengthPolicy: PieceLengthPolicy;
  /** Addresses of the origins' piece listeners, by URL. */
  readonly origins: Readonly<Record<string, string>>;
  /** Their zones, where they have one, by URL. */
  readonly zones?: Readonly<Record<string, string>>;
  /** What clients call their registries, by URL. */
  readonly names?: Readonly<Record<string, readonly string[]>>;
  /** Their ids, by URL: who is to fetch what goes by them. */
  readonly peerIds?: Readonly<Record<string, string>>;
}

/** More keys than this are not learned. */
const keysMax = 64;

export interface ClusterBookOptions {
  readonly folder: string;
  readonly clusterId: string;
  /** Pinned by the configuration: nothing is learned then. */
  readonly pinnedKeys?: readonly PublicKeyRecord[] | undefined;
}

/** The facts of the cluster that every node must agree on: whom to believe, how blobs are cut, where origins seed. */
export class ClusterBook {
  readonly #file: string;
  readonly #pinned: boolean;
  #state: ClusterFile;
  #trusted: TrustedKeys;

  private constructor(file: string, state: ClusterFile, pinned: boolean) {
    this.#file = file;
    this.#state = state;
    this.#pinned = pinned;
    this.#trusted = new TrustedKeys(state.keys);
  }

  /** Facts that were learned for another cluster id are dropped. @throws InvalidValueError for a pinned key that is none */
  static async open({ folder, clusterId, pinnedKeys }: ClusterBookOptions): Promise<ClusterBook> {
    const file = join(folder, 'cluster.json');
    const kept = await readCluster(file);
    const known = kept?.clusterId === clusterId ? kept : undefined;
    const state: ClusterFile = {
      formatVersion: 1,
      clusterId,
      keys: pinnedKeys ?? known?.keys ?? [],
      pieceLengthPolicy: known?.pieceLengthPolicy ?? defaultPieceLengthPolicy,
      origins: known?.origins ?? {},
      zones: known?.zones ?? {},
      names: known?.names ?? {},
      peerIds: known?.peerIds ?? {},
    };
    return new ClusterBook(file, state, pinnedKeys !== undefined);
  }

  /** Whether a signature can be believed at all yet. */
  get trusting(): boolean {
    return this.#state.keys.length > 0;
  }

  /** Whether keys and the origins' piece addresses are known. */
  get complete(): boolean {
    return this.trusting && Object.keys(this.#state.origins).length > 0;
  }

  get clusterId(): string {
    return this.#state.clusterId;
  }

  get pieceLengthPolicy(): PieceLengthPolicy {
    return this.#state.pieceLengthPolicy;
  }

  /** Where origins seed, as far as known: `host:port`. With a zone only those in it, or in none. */
  originAddresses(zone?: string): string[] {
    const { origins, zones = {} } = this.#state;
    const isNear = (url: string): boolean => zone === undefined || ['', zone].includes(zones[url] ?? '');
    return Object.entries(origins).flatMap(([url, address]) => (isNear(url) ? [address] : []));
  }

  /** The id of the origin at a URL, once it is known. */
  peerIdOf(url: string): string | undefined {
    return this.#state.peerIds?.[url];
  }

  /** Whether an origin has said that clients call its registry so. */
  isRegistryName(host: string): boolean {
    return Object.values(this.#state.names ?? {}).some((names) => names.includes(host));
  }

  readonly verify = (statement: Uint8Array, signatures: readonly Signature[]): boolean =>
    this.#trusted.verify(statement, signatures);

  /**
   * What a configured origin says of the cluster. Keys are added, never replaced: a record signed by an origin
   * that is gone stays good. Resolves when it is on disk.
   * @throws Error when the origin belongs to another cluster
   */
  async learn(url: string, told: ClusterAnnouncement): Promise<'learned' | 'known'> {
    if (told.clusterId !== this.#state.clusterId) {
      throw new Error(
        `the origin ${url} belongs to the cluster ${JSON.stringify(told.clusterId)}, this node to ${JSON.stringify(this.#state.clusterId)} (cluster.id)`,
      );
    }
    const next: ClusterFile = {
      ...this.#state,
      keys: this.#pinned ? this.#state.keys : merged(this.#state.keys, told.keys),
      pieceLengthPolicy: told.pieceLengthPolicy,
      origins: { ...this.#state.origins, [url]: told.piecesAddress },
      zones: { ...this.#state.zones, [url]: told.zone ?? '' },
      names: { ...this.#state.names, [url]: told.names ?? [] },
      peerIds: { ...this.#state.peerIds, [url]: told.peerId },
    };
    if (JSON.stringify(next) === JSON.stringify(this.#state)) return 'known';
    this.#trusted = new TrustedKeys(next.keys);
    this.#state = next;
    await writeFileAtomic(this.#file, Buffer.from(JSON.stringify(next, undefined, 2)));
    return 'learned';
  }
}

const merged = (known: readonly PublicKeyRecord[], told: readonly PublicKeyRecord[]): PublicKeyRecord[] => {
  const ids = new Set(known.map(({ keyId }) => keyId));
  return [...known, ...told.filter(({ keyId }) => !ids.has(keyId))].slice(0, keysMax);
};

const readCluster = async (file: string): Promise<ClusterFile | undefined> => {
  try {
    const kept = JSON.parse(await readFile(file, 'utf8')) as ClusterFile;
    // A key that is none would stop every start: the file counts as lost instead.
    return kept.formatVersion === 1 && new TrustedKeys(kept.keys) ? kept : undefined;
  } catch {
    return undefined;
  }
};
