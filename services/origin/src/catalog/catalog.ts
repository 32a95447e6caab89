import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, OciError, type RepositoryName } from '@shoal/core';
import { makeFolder } from './folders.ts';
import { RecordFiles } from './record-files.ts';
import { Repository, repositoryFolders } from './repository.ts';
import type { TagSigner } from './tags.ts';

/** Of all repositories, some 1 KB each. */
const rememberedTagsMax = 4096;

export interface CatalogOptions {
  /** Where the repositories stand, a folder each, by name. */
  readonly folder: string;
  readonly signer: TagSigner;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/**
 * The repositories of an origin. Files are the truth; memory holds the names and how many links each digest has, to
 * know when content is no longer wanted by any repository. The folder belongs to one process.
 */
export class Catalog {
  readonly #options: CatalogOptions;
  readonly #repositories = new Map<RepositoryName, Repository>();
  readonly #linkCounts = new Map<Digest, number>();
  readonly #tagFiles = new RecordFiles({ rememberedMax: rememberedTagsMax });

  private constructor(options: CatalogOptions) {
    this.#options = options;
  }

  /** Reads the names of all links; removes what a crash left of unfinished writes. */
  static async open(options: CatalogOptions): Promise<Catalog> {
    await makeFolder('/', options.folder);
    const catalog = new Catalog(options);
    await catalog.#scan('');
    return catalog;
  }

  get(name: RepositoryName): Repository | undefined {
    return this.#repositories.get(name);
  }

  /** @throws OciError NAME_UNKNOWN */
  require(name: RepositoryName): Repository {
    const repository = this.get(name);
    if (!repository) throw new OciError('NAME_UNKNOWN', `repository ${name} is not known`);
    return repository;
  }

  async ensure(name: RepositoryName): Promise<Repository> {
    const existing = this.get(name);
    if (existing) return existing;
    const repository = this.#repository(name);
    for (const folder of Object.values(repositoryFolders))
      await makeFolder(this.#options.folder, join(repository.folder, folder));
    this.#repositories.set(name, repository);
    return repository;
  }

  /** No repository has ever been pushed to. */
  get isEmpty(): boolean {
    return this.#repositories.size === 0;
  }

  /** Digests that at least one repository links. */
  linked(): Iterable<Digest> {
    return this.#linkCounts.keys();
  }

  /** In no particular order. */
  all(): Iterable<Repository> {
    return this.#repositories.values();
  }

  /** How many links of repositories a digest has. */
  linkCount(digest: Digest): number {
    return this.#linkCounts.get(digest) ?? 0;
  }

  isLinked(digest: Digest): boolean {
    return this.#linkCounts.has(digest);
  }

  /** To be called for every link that is written and was not there, or is removed; callers hold the digest's lock. */
  countLink(digest: Digest, change: 1 | -1): void {
    const count = (this.#linkCounts.get(digest) ?? 0) + change;
    if (count > 0) this.#linkCounts.set(digest, count);
    else this.#linkCounts.delete(digest);
  }

  async #scan(prefix: string): Promise<void> {
    const entries = await readdir(join(this.#options.folder, prefix), { withFileTypes: true });
    const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
    if (prefix !== '' && folders.includes(repositoryFolders.blobs)) await this.#load(prefix as RepositoryName);
    for (const name of folders) if (!name.startsWith('_')) await this.#scan(prefix === '' ? name : `${prefix}/${name}`);
  }

  async #load(name: RepositoryName): Promise<void> {
    const repository = this.#repository(name);
    this.#repositories.set(name, repository);
    await removeUnfinished(repository.folder);
    for (const links of [repository.blobs, repository.manifests]) {
      for (const digest of await links.list()) this.countLink(digest, 1);
    }
  }

  #repository(name: RepositoryName): Repository {
    const { folder, signer, clock } = this.#options;
    return new Repository(name, join(folder, name), { signer, clock, files: this.#tagFiles });
  }
}

/** Temporary files of writes that a crash cut off. */
const removeUnfinished = async (folder: string): Promise<void> => {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && (entry.name.startsWith('_') || folder.endsWith(repositoryFolders.referrers)))
      await removeUnfinished(path);
    else if (entry.isFile() && entry.name.endsWith('.tmp')) await rm(path, { force: true });
  }
};
