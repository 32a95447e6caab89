import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { request } from 'undici';
import {
  type Descriptor,
  imageConfig,
  imageManifest,
  layerBytes,
  layerDescriptor,
  type LayerPlan,
  manifestType,
  sha256Digest,
} from './image.ts';

export interface PushedImage {
  readonly repository: string;
  readonly tag: string;
  readonly manifestDigest: string;
  readonly manifest: Buffer;
  readonly layers: readonly Descriptor[];
  /** Manifest, configuration and layers, in bytes. */
  readonly size: number;
}

/** @throws Error naming the request and the answer, unless the answer has the status */
const expectStatus = async (
  what: string,
  answer: Awaited<ReturnType<typeof request>>,
  status: number,
): Promise<void> => {
  const body = await answer.body.text();
  if (answer.statusCode !== status)
    throw new Error(`${what}: ${answer.statusCode}, expected ${status}: ${body.slice(0, 500)}`);
};

/** Opens an upload and returns its address. */
const openUpload = async (registry: string, repository: string): Promise<URL> => {
  const answer = await request(`${registry}/v2/${repository}/blobs/uploads/`, { method: 'POST' });
  await expectStatus('POST of an upload', answer, 202);
  return new URL(String(answer.headers['location']), registry);
};

const finishUpload = async (location: URL, digest: string, body: Buffer | null): Promise<void> => {
  location.searchParams.set('digest', digest);
  const headers = { 'content-type': 'application/octet-stream' };
  await expectStatus('PUT of an upload', await request(location, { method: 'PUT', headers, body }), 201);
};

/** Streams one layer the way docker does: POST, one PATCH without a length, PUT with the digest. */
const pushLayer = async (registry: string, repository: string, plan: LayerPlan, seed: string): Promise<Descriptor> => {
  const hash = createHash('sha256');
  const hashed = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of layerBytes(plan, seed)) {
      hash.update(chunk);
      yield chunk;
    }
  };
  const patched = await request(await openUpload(registry, repository), {
    method: 'PATCH',
    headers: { 'content-type': 'application/octet-stream' },
    body: Readable.from(hashed(), { objectMode: false }),
  });
  await expectStatus('PATCH of an upload', patched, 202);
  const digest = `sha256:${hash.digest('hex')}`;
  await finishUpload(new URL(String(patched.headers['location']), registry), digest, null);
  return layerDescriptor(digest, plan.size);
};

/** Generates the layers while it pushes them, then pushes the configuration and the manifest. */
export const pushImage = async (
  registry: string,
  image: {
    readonly repository: string;
    readonly tag: string;
    readonly layers: readonly LayerPlan[];
    readonly seed: string;
  },
): Promise<PushedImage> => {
  const { repository, tag } = image;
  const layers: Descriptor[] = [];
  for (const plan of image.layers) layers.push(await pushLayer(registry, repository, plan, image.seed));
  const config = imageConfig(layers);
  await finishUpload(await openUpload(registry, repository), sha256Digest(config), config);
  const manifest = imageManifest(config, layers);
  const headers = { 'content-type': manifestType };
  const put = await request(`${registry}/v2/${repository}/manifests/${tag}`, {
    method: 'PUT',
    headers,
    body: manifest,
  });
  await expectStatus('PUT of the manifest', put, 201);
  const size = layers.reduce((sum, layer) => sum + layer.size, manifest.length + config.length);
  return { repository, tag, manifestDigest: sha256Digest(manifest), manifest, layers, size };
};
