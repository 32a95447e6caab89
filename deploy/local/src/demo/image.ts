import { createCipheriv, createHash } from 'node:crypto';
import { MiB } from '@shoal/core';
import { tarHeader, tarLength, tarTrailer } from './tar.ts';

/** A layer to generate: `name` names its file and seeds its bytes. */
export interface LayerPlan {
  readonly name: string;
  /** Length of the archive, in bytes. */
  readonly size: number;
  readonly contentSize: number;
}

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** An OCI image manifest, as far as a pull needs it. Source: OCI Image Specification v1.1, manifest.md. */
export interface ImageManifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

export const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const configType = 'application/vnd.oci.image.config.v1+json';
const layerType = 'application/vnd.oci.image.layer.v1.tar';

/** Layers of unequal size, as in real images: each is half of what is left, the last takes the rest. */
export const planLayers = (sizeTotal: number, count: number): LayerPlan[] => {
  let left = sizeTotal;
  return Array.from({ length: count }, (_, index) => {
    const contentSize = index === count - 1 ? left : Math.ceil(left / 2);
    left -= contentSize;
    return { name: `layer-${index + 1}`, contentSize, size: tarLength(contentSize) };
  });
};

/** The archive as a stream of chunks of at most 1 MiB. Its bytes are an AES-CTR keystream: incompressible and cheap. */
export async function* layerBytes(plan: LayerPlan, seed: string): AsyncGenerator<Buffer> {
  yield tarHeader(`${plan.name}.bin`, plan.contentSize);
  const key = createHash('sha256').update(`${seed}/${plan.name}`).digest().subarray(0, 16);
  const cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  const zeros = Buffer.alloc(Math.min(MiB, plan.contentSize));
  for (let left = plan.contentSize; left > 0; left -= zeros.length) {
    yield cipher.update(zeros.subarray(0, Math.min(left, zeros.length)));
  }
  yield tarTrailer(plan.contentSize);
}

/** The configuration blob. The layers are not compressed, so their digests are the diff ids too. */
export const imageConfig = (layers: readonly Descriptor[]): Buffer =>
  Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: { Cmd: ['/layer-1.bin'] },
      rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    }),
  );

export const imageManifest = (config: Buffer, layers: readonly Descriptor[]): Buffer =>
  Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: manifestType,
      config: { mediaType: configType, digest: sha256Digest(config), size: config.length },
      layers,
    }),
  );

export const layerDescriptor = (digest: string, size: number): Descriptor => ({ mediaType: layerType, digest, size });

export const sha256Digest = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
