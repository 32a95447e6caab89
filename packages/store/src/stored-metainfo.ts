import {
  decodeMetainfo,
  type Digest,
  digestAlgorithm,
  digestOf,
  encodeMetainfo,
  type Metainfo,
  metainfoStatement,
  MiB,
  type PieceLengthPolicy,
  type SignedMetainfo,
} from '@shoal/core';
import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import type { BlobPaths } from './blob-paths.ts';
import { sha256 } from './hash.ts';
import type { SigningKey } from './signing-key.ts';
import { TreeHasher } from './tree-hasher.ts';
import { TrustedKeys } from './trusted-keys.ts';

/** Decoded metainfo kept in memory; one of a 10 GiB blob takes about 80 KiB. */
const cachedMax = 512;

/** Signs, reads and checks the metainfo of an origin's blobs. */
export class StoredMetainfo {
  readonly #paths: BlobPaths;
  readonly #key: SigningKey;
  readonly #trusted: TrustedKeys;
  readonly #cached = new Map<Digest, SignedMetainfo>();

  constructor(paths: BlobPaths, key: SigningKey) {
    this.#paths = paths;
    this.#key = key;
    this.#trusted = new TrustedKeys([key.record]);
  }

  cached(digest: Digest): SignedMetainfo | undefined {
    return this.#cached.get(digest);
  }

  forget(digest: Digest): void {
    this.#cached.delete(digest);
  }

  remember(signed: SignedMetainfo): void {
    this.#cached.delete(signed.metainfo.digest);
    this.#cached.set(signed.metainfo.digest, signed);
    for (const oldest of this.#cached.keys()) {
      if (this.#cached.size <= cachedMax) break;
      this.#cached.delete(oldest);
    }
  }

  sign(metainfo: Metainfo): { signed: SignedMetainfo; bytes: Uint8Array } {
    const signed = { metainfo, signatures: [this.#key.sign(metainfoStatement(metainfo))] };
    return { signed, bytes: encodeMetainfo(signed) };
  }

  /** Undefined when the file is missing, malformed, of another blob or not signed by this key. */
  async read(digest: Digest, size: number): Promise<SignedMetainfo | undefined> {
    try {
      const signed = decodeMetainfo(await readFile(this.#paths.metainfo(digest)), sha256);
      const right =
        signed.metainfo.digest === digest &&
        signed.metainfo.size === size &&
        this.#trusted.verify(metainfoStatement(signed.metainfo), signed.signatures);
      return right ? signed : undefined;
    } catch {
      return undefined;
    }
  }
}

/** Metainfo by reading a whole file; undefined when it has not the digest. */
export const hashContent = async (
  file: string,
  digest: Digest,
  policy: PieceLengthPolicy,
): Promise<Metainfo | undefined> => {
  const tree = new TreeHasher();
  const sha512 = digestAlgorithm(digest) === 'sha512' ? createHash('sha512') : undefined;
  await readThrough(file, (bytes) => {
    tree.update(bytes);
    sha512?.update(bytes);
  });
  const { digest: bySha256, metainfo } = tree.finish(policy);
  const actual = sha512 ? digestOf('sha512', sha512.digest()) : bySha256;
  return actual === digest ? { ...metainfo, digest } : undefined;
};

/** All bytes of a file in order; a slice is valid only during the call. */
export const readThrough = async (file: string, take: (bytes: Uint8Array) => void): Promise<void> => {
  await using handle = await open(file, 'r');
  const buffer = Buffer.allocUnsafeSlow(MiB);
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length);
    if (bytesRead === 0) return;
    take(buffer.subarray(0, bytesRead));
  }
};
