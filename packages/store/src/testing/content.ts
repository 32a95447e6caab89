import { defaultPieceLengthPolicy, type Digest, type Metainfo, seededPrng } from '@shoal/core';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TreeHasher } from '../tree-hasher.ts';

/** A folder that goes away with the test. */
export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
}

export const temporaryFolder = (): TemporaryFolder => {
  const path = mkdtempSync(join(tmpdir(), 'shoal-store-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
};

/** Bytes that the seed determines. */
export const contentOf = (seed: number, length: number): Uint8Array => {
  const prng = seededPrng(seed);
  const words = new Uint32Array(Math.ceil(length / 4));
  for (let index = 0; index < words.length; index++) words[index] = prng() * 4_294_967_296;
  return new Uint8Array(words.buffer, 0, length);
};

export const describeContent = (bytes: Uint8Array): { digest: Digest; metainfo: Metainfo } => {
  const hasher = new TreeHasher();
  hasher.update(bytes);
  return hasher.finish(defaultPieceLengthPolicy);
};

/** The bytes as a client sends them. */
export async function* inChunks(bytes: Uint8Array, length = 64 * 1024): AsyncIterable<Uint8Array> {
  for (let from = 0; from < bytes.length; from += length) yield bytes.subarray(from, from + length);
}
