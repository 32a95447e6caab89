import { join } from 'node:path';
import type { Digest, RepositoryName } from '@shoal/core';
import { Links } from './links.ts';
import type { RecordFiles } from './record-files.ts';
import { Referrers } from './referrers.ts';
import { type TagSigner, Tags } from './tags.ts';

/**
 * Folders of a repository. They start with an underscore, which no component of a repository name does: the
 * repository `team` and the repository `team/app` below it never collide.
 */
export const repositoryFolders = {
  blobs: '_blobs',
  manifests: '_manifests',
  tags: '_tags',
  referrers: '_referrers',
} as const;

/** What a repository remembers of a manifest beside its bytes. */
export interface ManifestLink {
  readonly mediaType: string;
  /** In bytes. */
  readonly size: number;
}

/** What a repository remembers of a blob: one that is `kept` stays although no manifest names it. */
export const blobLinks = { pushed: Buffer.alloc(0), kept: Buffer.from('{"kept":true}') } as const;

export const isKept = (link: Uint8Array | undefined): boolean =>
  link !== undefined && Buffer.compare(link, blobLinks.kept) === 0;

export type BlobLink = keyof typeof blobLinks;

/** The files of one repository: which blobs and manifests belong to it, its tags and referrers. */
export class Repository {
  readonly name: RepositoryName;
  readonly folder: string;
  readonly blobs: Links;
  readonly manifests: Links;
  readonly tags: Tags;
  readonly referrers: Referrers;

  constructor(
    name: RepositoryName,
    folder: string,
    tags: { signer: TagSigner; clock: () => number; files: RecordFiles },
  ) {
    this.name = name;
    this.folder = folder;
    this.blobs = new Links(join(folder, repositoryFolders.blobs));
    this.manifests = new Links(join(folder, repositoryFolders.manifests));
    this.tags = new Tags(name, join(folder, repositoryFolders.tags), tags);
    this.referrers = new Referrers(join(folder, repositoryFolders.referrers));
  }

  async manifestLink(digest: Digest): Promise<ManifestLink | undefined> {
    const bytes = await this.manifests.get(digest);
    return bytes && (JSON.parse(Buffer.from(bytes).toString()) as ManifestLink);
  }

  /** Whether a blob or a manifest of that digest belongs to the repository. */
  async holds(digest: Digest): Promise<boolean> {
    return (await this.blobs.has(digest)) || (await this.manifests.has(digest));
  }
}
