import { createHmac, randomBytes } from 'node:crypto';
import type { Digest, RepositoryName } from '@shoal/core';
import { Lru } from '@shoal/registry';

/** A positive answer: with these credentials this may be read. */
export interface Grant {
  /** What the registry said that it is. */
  readonly digest: Digest | undefined;
  /** When the registry was asked. */
  readonly atMs: number;
  /** It was not asked about this itself, but about a manifest that refers to it. */
  readonly referred?: boolean;
}

const grantsMax = 50_000;

/** Positive answers by the hash of the credentials, which are not kept themselves. The hash means nothing to another process. */
export class Grants {
  readonly #kept = new Lru<string, Grant>({ sizeMax: grantsMax });
  readonly #secret = randomBytes(32);

  /** `what` is a digest, `tag:v1`, or another question to the repository. */
  key(authorization: string | undefined, repository: RepositoryName, what: string): string {
    const who =
      authorization === undefined
        ? 'anybody'
        : createHmac('sha256', this.#secret).update(authorization).digest('base64url');
    return `${who} ${repository} ${what}`;
  }

  get(key: string): Grant | undefined {
    return this.#kept.get(key);
  }

  put(key: string, grant: Grant): void {
    this.#kept.set(key, grant);
  }

  revoke(key: string): void {
    this.#kept.delete(key);
  }
}
