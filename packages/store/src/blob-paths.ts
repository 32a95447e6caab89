import { type Digest, type DigestAlgorithm, digestAlgorithm, digestHex, isDigest } from '@shoal/core';
import { mkdirSync, readdirSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from './disk.ts';

const algorithms: readonly DigestAlgorithm[] = ['sha256', 'sha512'];
const prefixes = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Where a blob's files are: `blobs/<algorithm>/<first 2 hex digits>/<hex>`, with suffixes for what stands beside it. */
export class BlobPaths {
  readonly #root: string;

  constructor(folder: string) {
    this.#root = join(folder, 'blobs');
  }

  /** All shards exist from the start, so that a commit has no folder above its own to wait for. */
  async prepare(): Promise<void> {
    for (const algorithm of algorithms) {
      const parent = join(this.#root, algorithm);
      mkdirSync(parent, { recursive: true });
      const existing = new Set(readdirSync(parent));
      for (const prefix of prefixes) if (!existing.has(prefix)) mkdirSync(join(parent, prefix));
    }
    await Promise.all([this.#root, ...algorithms.map((algorithm) => join(this.#root, algorithm))].map(syncFolder));
  }

  shard(digest: Digest): string {
    return join(this.#root, digestAlgorithm(digest), digestHex(digest).slice(0, 2));
  }

  content(digest: Digest): string {
    return join(this.shard(digest), digestHex(digest));
  }

  metainfo(digest: Digest): string {
    return `${this.content(digest)}${metainfoSuffix}`;
  }

  /** The bitmap of an agent's blob. */
  pieces(digest: Digest): string {
    return `${this.content(digest)}${piecesSuffix}`;
  }

  /** Every blob that has any file, shard by shard. */
  async *shards(): AsyncIterable<ShardEntry[]> {
    for (const algorithm of algorithms) {
      for (const prefix of prefixes) {
        const entries = new Map<Digest, Set<string>>();
        for (const name of await readdir(join(this.#root, algorithm, prefix))) {
          const [hex = '', ...suffix] = name.split('.');
          const digest = `${algorithm}:${hex}`;
          if (!isDigest(digest)) continue;
          const suffixes = entries.get(digest) ?? new Set();
          entries.set(digest, suffixes.add(suffix.map((part) => `.${part}`).join('')));
        }
        yield [...entries].map(([digest, suffixes]) => ({ digest, suffixes }));
      }
    }
  }
}

export interface ShardEntry {
  readonly digest: Digest;
  /** `''` is the content itself. */
  readonly suffixes: ReadonlySet<string>;
}

export const metainfoSuffix = '.meta';
export const piecesSuffix = '.pieces';
