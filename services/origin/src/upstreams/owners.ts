import {
  decodeTagRecord,
  type Digest,
  type RepositoryName,
  type SignedTagRecord,
  type Tag,
  tagStatement,
} from '@shoal/core';
import type { Repository } from '../catalog/repository.ts';
import { FellowBusyError } from '../ring/fellow-error.ts';
import type { ToldManifest } from '../ring/fellow.ts';
import type { OriginRing } from '../ring/origin-ring.ts';
import { FellowBlob } from './fellow-blob.ts';

export interface ToldTag {
  readonly signed: SignedTagRecord;
  /** The upstream could not be asked whether the tag has moved. */
  readonly stale: boolean;
}

/**
 * The origins whose part it is to ask an upstream: for tags and manifests the owner of the repository, so that what a
 * manifest says of its blobs is known in one place; for a blob the owner of its digest. Undefined is always: this origin is
 * the one. Refusals are thrown as the upstream's own would be.
 */
export class Owners {
  readonly #ring: OriginRing;

  constructor(ring: OriginRing) {
    this.#ring = ring;
  }

  async tag(name: RepositoryName, tag: Tag): Promise<ToldTag | undefined> {
    const told = await this.#ring.ask(name, async (fellow, signal) => {
      const { bytes, stale } = await fellow.tag(name, tag, signal);
      const signed = decodeTagRecord(bytes);
      const { record, signatures } = signed;
      if (record.repository !== name || record.tag !== tag || !this.#ring.verify(tagStatement(record), signatures))
        throw new FellowBusyError(`${fellow.url}: its record of ${name}:${tag} is not signed by an origin`);
      return { signed, stale };
    });
    return told?.value;
  }

  async manifest(name: RepositoryName, digest: Digest): Promise<ToldManifest | undefined> {
    const told = await this.#ring.ask(name, (fellow, signal) => fellow.manifest(name, digest, signal));
    return told?.value;
  }

  /** The size itself is undefined where nobody knows it. */
  blobSize(name: RepositoryName, digest: Digest): Promise<{ readonly value: number | undefined } | undefined> {
    return this.#ring.ask(digest, (fellow, signal) => fellow.blobSize(name, digest, signal));
  }

  blob(name: RepositoryName, digest: Digest): FellowBlob {
    return new FellowBlob(this.#ring, name, digest);
  }
}

/**
 * Keeps another origin's record as it is, so that a tag has one version in the cluster. Where this origin's own is newer, it
 * stood in for the other one: a record that says something else by now follows upon it.
 */
export const keepTold = async (repository: Repository, { signed, stale }: ToldTag): Promise<void> => {
  const { record } = signed;
  const known = (await repository.tags.get(record.tag))?.record;
  if (!known || record.version > known.version) return repository.tags.keep(signed);
  if (record.digest !== known.digest && !stale) await repository.tags.put(record.tag, record);
};
