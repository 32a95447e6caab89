import { createHash } from 'node:crypto';
import { type Digest, digestAlgorithm, type ImageName, isDigest, parseDigest } from '@shoal/core';
import { Agent, request } from 'undici';
import { AnswerError, DigestMismatchError, streamBlob } from './blob-stream.ts';
import { type Progress, silentProgress } from './progress.ts';

/** As many blobs at once as containerd fetches of one image. */
const blobsAtOnce = 3;
const manifestBytesMax = 32 * 1024 * 1024;
const depthMax = 4;

const accept = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  '*/*',
].join(', ');

export interface Platform {
  readonly os: string;
  readonly architecture: string;
}

interface Descriptor {
  readonly digest: Digest;
  readonly size: number;
  readonly platform?: Partial<Platform>;
}

interface Manifest {
  readonly manifests?: readonly Descriptor[];
  readonly config?: Descriptor;
  readonly layers?: readonly (Descriptor & { readonly urls?: readonly string[] })[];
}

export interface PulledBlob {
  readonly digest: Digest;
  readonly size: number;
  readonly kind: 'manifest' | 'blob';
}

export interface PullOptions {
  /** `http://127.0.0.1:7020` */
  readonly registry: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined: all of an index. */
  readonly platform: Platform | undefined;
  readonly progress: Progress;
}

/** Pulls an image as a runtime does and verifies the digest of everything; the bytes are not kept. */
export const pullImage = async (image: ImageName, options: PullOptions): Promise<readonly PulledBlob[]> => {
  const pool = new Agent({ connections: blobsAtOnce + 1 });
  try {
    const pulled = new Map<Digest, PulledBlob>();
    const blobs = await collect(referenceText(image), 0, { image, options, pool, pulled });
    await Promise.all(Array.from({ length: blobsAtOnce }, () => work(blobs, { image, options, pool, pulled })));
    return [...pulled.values()];
  } finally {
    await pool.destroy();
  }
};

/** The digests of an image, with all manifests of an index: only manifests are fetched. */
export const imageDigests = async (
  image: ImageName,
  { registry, headers }: Pick<PullOptions, 'registry' | 'headers'>,
): Promise<readonly Digest[]> => {
  const pool = new Agent({ connections: blobsAtOnce + 1 });
  try {
    const pulled = new Map<Digest, PulledBlob>();
    const options = { registry, headers, platform: undefined, progress: silentProgress };
    const blobs = await collect(referenceText(image), 0, { image, options, pool, pulled });
    return [...new Set([...pulled.keys(), ...blobs.map(({ digest }) => parseDigest(digest))])];
  } finally {
    await pool.destroy();
  }
};

const referenceText = ({ reference }: ImageName): string =>
  reference.kind === 'tag' ? reference.tag : reference.digest;

interface Pulling {
  readonly image: ImageName;
  readonly options: PullOptions;
  readonly pool: Agent;
  readonly pulled: Map<Digest, PulledBlob>;
}

/** The blobs of a manifest, or of those of an index that are wanted. */
const collect = async (reference: string, depth: number, pulling: Pulling): Promise<Descriptor[]> => {
  const manifest = await fetchManifest(reference, pulling);
  if (!manifest.manifests)
    return [manifest.config, ...(manifest.layers ?? []).filter(({ urls }) => !urls)].filter(
      (blob) => blob !== undefined,
    );
  if (depth >= depthMax) throw new Error(`${pulling.image.text}: an index within an index, more than ${depthMax} deep`);
  const wanted = wantedOf(manifest.manifests, pulling);
  return (await Promise.all(wanted.map(({ digest }) => collect(digest, depth + 1, pulling)))).flat();
};

const wantedOf = (
  manifests: readonly Descriptor[],
  { image, options: { platform } }: Pulling,
): readonly Descriptor[] => {
  if (!platform) return manifests;
  const wanted = manifests.filter(
    (one) => one.platform?.os === platform.os && one.platform.architecture === platform.architecture,
  );
  if (wanted.length > 0) return wanted;
  const there = manifests.map((one) => `${one.platform?.os ?? '?'}/${one.platform?.architecture ?? '?'}`);
  throw new Error(
    `${image.text} has no manifest for ${platform.os}/${platform.architecture}; there are ${[...new Set(there)].join(', ')}`,
  );
};

const fetchManifest = async (reference: string, { image, options, pool, pulled }: Pulling): Promise<Manifest> => {
  const url = `${options.registry}/v2/${image.repository}/manifests/${reference}`;
  const answer = await request(url, {
    dispatcher: pool,
    headers: { ...options.headers, accept },
    headersTimeout: 60_000,
    bodyTimeout: 60_000,
  });
  const bytes = Buffer.from(await answer.body.arrayBuffer());
  if (answer.statusCode !== 200) throw new AnswerError(url, answer.statusCode, bytes.toString('utf8'));
  if (bytes.length > manifestBytesMax) throw new Error(`${url}: ${bytes.length} bytes are too many for a manifest`);
  const claimed = isDigest(reference) ? reference : parseDigest(String(answer.headers['docker-content-digest'] ?? ''));
  const algorithm = digestAlgorithm(claimed);
  const actual = `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
  if (actual !== claimed)
    throw new DigestMismatchError(`${url}: the manifest has the digest ${actual}, not ${claimed}`);
  pulled.set(claimed, { digest: claimed, size: bytes.length, kind: 'manifest' });
  return JSON.parse(bytes.toString('utf8')) as Manifest;
};

/** Takes blobs from the list until it is empty; one that several manifests share is pulled once. */
const work = async (blobs: Descriptor[], { image, options, pool, pulled }: Pulling): Promise<void> => {
  for (let blob = blobs.shift(); blob; blob = blobs.shift()) {
    const digest = parseDigest(blob.digest);
    if (pulled.has(digest)) continue;
    pulled.set(digest, { digest, size: blob.size, kind: 'blob' });
    const line = options.progress.begin(digest, blob.size);
    const size = await streamBlob(`${options.registry}/v2/${image.repository}/blobs/${digest}`, digest, {
      headers: options.headers,
      pool,
      chunk: (bytes) => line.add(bytes.length),
    });
    if (size !== blob.size)
      throw new DigestMismatchError(`${digest} has ${size} bytes, the manifest says ${blob.size}`);
    line.end();
  }
};
