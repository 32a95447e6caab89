import type { Digest, ManifestReference, RepositoryName } from '@shoal/core';
import {
  type BlobSource,
  type ReadContext,
  type ReadRegistry,
  registryHost,
  type ServedManifest,
  type ServedReferrers,
  type TagPage,
} from '@shoal/registry';
import type { AccessGate } from './gate.ts';
import { References } from './references.ts';

export interface CheckedRegistryOptions {
  readonly gate: AccessGate;
  /** What the cluster has, for whoever may have it. */
  readonly registry: Required<Omit<ReadRegistry, 'base'>>;
  /** The name that the cluster knows a repository by. */
  readonly nameOf: (requested: RepositoryName, upstream: string | undefined) => RepositoryName;
  /** Whether the origins say that the repository has the blob; false when they do not answer. */
  readonly holds: (name: RepositoryName, digest: Digest) => Promise<boolean>;
  readonly isOwnName: (host: string) => boolean;
}

/** Gives content of the cluster to those clients only whom its own registry would give it to. */
export class CheckedRegistry implements ReadRegistry {
  readonly #o: CheckedRegistryOptions;
  readonly #references = new References();

  constructor(options: CheckedRegistryOptions) {
    this.#o = options;
  }

  async base(context: ReadContext): Promise<void> {
    const host = context.upstream === undefined ? undefined : (registryHost(context.upstream) ?? context.upstream);
    await this.#o.gate.base(host !== undefined && this.#o.isOwnName(host) ? undefined : host, context);
  }

  async manifest(
    requested: RepositoryName,
    reference: ManifestReference,
    context: ReadContext,
  ): Promise<ServedManifest> {
    const { gate, registry } = this.#o;
    const name = this.#name(requested, context);
    const granted = await gate.manifest(name, reference, context);
    const served = await registry.manifest(requested, reference, context);
    const { digest } = served;
    // The cluster may know an older or a newer answer than the registry has just given.
    const asServed =
      reference.kind === 'digest' || granted.digest === digest
        ? granted
        : await gate.manifest(name, { kind: 'digest', digest }, context);
    gate.given(name, context, asServed, digest, this.#references.of(served));
    return served;
  }

  async blob(requested: RepositoryName, digest: Digest, context: ReadContext): Promise<BlobSource> {
    const { gate, registry, holds } = this.#o;
    const name = this.#name(requested, context);
    const grant = await gate.blob(name, digest, context, 'referred');
    // A registry may take a manifest for blobs that it does not have, and this node may have them from elsewhere.
    if (grant.referred === true && !(await holds(name, digest))) await gate.blob(name, digest, context, 'exact');
    return registry.blob(requested, digest, context);
  }

  async tags(
    requested: RepositoryName,
    page: { limit: number | undefined; last: string | undefined },
    context: ReadContext,
  ): Promise<TagPage> {
    await this.#o.gate.lists(this.#name(requested, context), context);
    return this.#o.registry.tags(requested, page, context);
  }

  async referrers(requested: RepositoryName, subject: Digest, context: ReadContext): Promise<ServedReferrers> {
    await this.#o.gate.lists(this.#name(requested, context), context);
    return this.#o.registry.referrers(requested, subject, context);
  }

  #name(requested: RepositoryName, { upstream }: ReadContext): RepositoryName {
    return this.#o.nameOf(requested, upstream);
  }
}
