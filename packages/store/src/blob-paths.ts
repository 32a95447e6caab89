import { type Digest, digestAlgorithm, digestHex, isDigest } from '@shoal/core';
import { mkdirSync, readdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from './disk.ts';
import { errorCode } from './errors.ts';

/** Where a blob's files are: `blobs/<algorithm>/<first 2 hex digits>/<hex>`, with suffixes for what stands beside it. */
export class BlobPaths {
  readonly #root: string;
  /** Shards this process knows to exist; at most 256 an algorithm. Resolved: also after a power loss. */
  readonly #durable = new Map<string, Promise<void>>();
  readonly #present = new Set<string>();

  constructor(folder: string) {
    this.#root = join(folder, 'blobs');
  }

  /** The folder of a blob's files, made when missing. */
  shard(digest: Digest): string {
    const shard = this.#shardOf(digest);
    if (!this.#present.has(shard)) mkdirSync(shard, { recursive: true });
    this.#present.add(shard);
    return shard;
  }

  /** As `shard`, and its name is on the medium: who commits into a shard another commit has made waits for it as well. */
  async durableShard(digest: Digest): Promise<string> {
    const shard = this.#shardOf(digest);
    const making = this.#durable.get(shard) ?? this.#makeDurable(shard, digestAlgorithm(digest));
    this.#durable.set(shard, making);
    try {
      await making;
    } catch (error) {
      this.#durable.delete(shard);
      throw error;
    }
    return shard;
  }

  content(digest: Digest): string {
    return join(this.#shardOf(digest), digestHex(digest));
  }

  metainfo(digest: Digest): string {
    return `${this.content(digest)}${metainfoSuffix}`;
  }

  /** The bitmap of an agent's blob. */
  pieces(digest: Digest): string {
    return `${this.content(digest)}${piecesSuffix}`;
  }

  /** Every blob that has any file, shard by shard; each shard is a snapshot of its own. */
  *shards(): Iterable<ShardEntry[]> {
    for (const algorithm of namesIn(this.#root)) {
      for (const prefix of namesIn(join(this.#root, algorithm))) {
        const entries = new Map<Digest, Set<string>>();
        for (const name of namesIn(join(this.#root, algorithm, prefix))) {
          const hexLength = name.includes('.') ? name.indexOf('.') : name.length;
          const digest = `${algorithm}:${name.slice(0, hexLength)}`;
          if (!isDigest(digest)) continue;
          const suffixes = entries.get(digest) ?? new Set();
          entries.set(digest, suffixes.add(name.slice(hexLength)));
        }
        yield [...entries].map(([digest, suffixes]) => ({ digest, suffixes }));
      }
    }
  }

  #shardOf(digest: Digest): string {
    return join(this.#root, digestAlgorithm(digest), digestHex(digest).slice(0, 2));
  }

  async #makeDurable(shard: string, algorithm: string): Promise<void> {
    await mkdir(shard, { recursive: true });
    const above = [join(this.#root, algorithm), this.#root, join(this.#root, '..')];
    await Promise.all(above.map(syncFolder));
  }
}

/** Where the parts of an agent's blob are. */
export interface BlobFiles {
  readonly content: string;
  readonly metainfo: string;
  readonly pieces: string;
}

export const filesOf = (paths: BlobPaths, digest: Digest): BlobFiles => ({
  content: paths.content(digest),
  metainfo: paths.metainfo(digest),
  pieces: paths.pieces(digest),
});

export interface ShardEntry {
  readonly digest: Digest;
  /** `''` is the content itself. */
  readonly suffixes: ReadonlySet<string>;
}

export const metainfoSuffix = '.meta';
export const piecesSuffix = '.pieces';

const namesIn = (folder: string): string[] => {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return [];
    throw error;
  }
};
