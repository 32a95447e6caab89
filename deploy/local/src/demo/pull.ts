import { createHash } from 'node:crypto';
import { Writable } from 'node:stream';
import { Agent, request, stream } from 'undici';
import { type Descriptor, type ImageManifest, manifestType, sha256Digest } from './image.ts';

export interface PullProgress {
  /** Called with the bytes of each chunk of a blob that arrives. */
  readonly received: (bytes: number) => void;
}

export interface PullResult {
  /** From the first request to the last verified byte. */
  readonly durationMs: number;
  /** From the request of the first layer to its first byte. */
  readonly firstByteMs: number;
  readonly bytes: number;
  /** What is wrong: one line a digest that differs. */
  readonly mismatches: readonly string[];
}

export interface ImageReference {
  readonly repository: string;
  readonly tag: string;
  /** What the tag has to lead to. */
  readonly manifestDigest: string;
}

/** As many blobs at once as containerd fetches of one image. */
const blobsAtOnce = 3;

/** Pulls an image by tag as a runtime does and checks the SHA-256 of everything while it streams. */
export const pullImage = async (
  registry: string,
  image: ImageReference,
  progress: PullProgress,
): Promise<PullResult> => {
  const client = new Agent({ connections: blobsAtOnce, bodyTimeout: 120_000, headersTimeout: 60_000 });
  try {
    return await pullWith(client, registry, image, progress);
  } finally {
    await client.destroy();
  }
};

const pullWith = async (
  client: Agent,
  registry: string,
  image: ImageReference,
  progress: PullProgress,
): Promise<PullResult> => {
  const startMs = performance.now();
  const mismatches: string[] = [];
  const base = `${registry}/v2/${image.repository}`;
  const answer = await request(`${base}/manifests/${image.tag}`, {
    dispatcher: client,
    headers: { accept: manifestType },
  });
  const manifest = Buffer.from(await answer.body.arrayBuffer());
  if (answer.statusCode !== 200)
    throw new Error(`${base}/manifests/${image.tag}: ${answer.statusCode}: ${manifest.toString('utf8', 0, 500)}`);
  if (sha256Digest(manifest) !== image.manifestDigest)
    mismatches.push(`manifest: ${sha256Digest(manifest)}, pushed was ${image.manifestDigest}`);

  const { config, layers } = JSON.parse(manifest.toString()) as ImageManifest;
  const left = [...layers, config];
  let [bytes, firstByteMs] = [manifest.length, Infinity];
  const worker = async (): Promise<void> => {
    for (let blob = left.shift(); blob; blob = left.shift()) {
      const pulled = await pullBlob(client, base, blob, progress);
      bytes += pulled.bytes;
      if (blob === layers[0]) firstByteMs = pulled.firstByteMs;
      if (pulled.digest !== blob.digest) mismatches.push(`blob: ${pulled.digest}, the manifest says ${blob.digest}`);
    }
  };
  await Promise.all(Array.from({ length: blobsAtOnce }, worker));
  return { durationMs: performance.now() - startMs, firstByteMs, bytes, mismatches };
};

const pullBlob = async (
  client: Agent,
  base: string,
  blob: Descriptor,
  progress: PullProgress,
): Promise<{ digest: string; bytes: number; firstByteMs: number }> => {
  const url = `${base}/blobs/${blob.digest}`;
  const hash = createHash('sha256');
  const startMs = performance.now();
  let [bytes, firstByteMs] = [0, Infinity];
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      if (bytes === 0) firstByteMs = performance.now() - startMs;
      bytes += chunk.length;
      hash.update(chunk);
      progress.received(chunk.length);
      done();
    },
  });
  await stream(url, { method: 'GET', dispatcher: client }, ({ statusCode }) => {
    if (statusCode !== 200) throw new Error(`${url}: ${statusCode}`);
    return sink;
  });
  return { digest: `sha256:${hash.digest('hex')}`, bytes, firstByteMs };
};
