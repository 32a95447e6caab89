import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { sha256Digest } from '../../../deploy/local/src/demo/image.ts';

interface Descriptors {
  readonly manifests?: readonly { readonly digest: string }[];
  readonly config?: { readonly digest: string };
  readonly layers?: readonly { readonly digest: string }[];
}

const readVerified = async (file: string, digest: string): Promise<Buffer> => {
  const bytes = await readFile(file);
  if (sha256Digest(bytes) !== digest) throw new Error(`wrong bytes: ${digest} is ${sha256Digest(bytes)}`);
  return bytes;
};

const parse = (bytes: Buffer): Descriptors => JSON.parse(bytes.toString()) as Descriptors;

/** Checks an OCI layout of one image, every byte of it. @returns the digest of its manifest */
export const verifyLayout = async (folder: string): Promise<string> => {
  const blobs = path.join(folder, 'blobs/sha256');
  const blob = (digest: string): Promise<Buffer> => readVerified(path.join(blobs, digest.slice(7)), digest);
  const [manifest] = parse(await readFile(path.join(folder, 'index.json'))).manifests ?? [];
  if (!manifest) throw new Error('the layout has no manifest');
  const { config, layers = [] } = parse(await blob(manifest.digest));
  for (const { digest } of [...(config ? [config] : []), ...layers]) await blob(digest);
  return manifest.digest;
};

/** The same for a folder that skopeo wrote with `dir:`. */
export const verifyDir = async (folder: string): Promise<string> => {
  const manifest = await readFile(path.join(folder, 'manifest.json'));
  const { config, layers = [] } = parse(manifest);
  for (const { digest } of [...(config ? [config] : []), ...layers])
    await readVerified(path.join(folder, digest.slice(7)), digest);
  return sha256Digest(manifest);
};
