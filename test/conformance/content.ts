import { randomBytes } from 'node:crypto';
import type { Digest, DigestAlgorithm } from '@shoal/core';
import { digestBytes, types } from '../../services/origin/src/testing/registry-client.ts';

export interface Manifest {
  readonly text: string;
  readonly digest: Digest;
  readonly mediaType: string;
  /** Set by the name it is pushed under, or with `byParameter` by `?tag=`. */
  readonly tags: readonly string[];
  readonly subject?: Digest;
}

/** What one row of the table pushes, in this order: blobs, then manifests. */
export interface Content {
  readonly blobs: readonly Buffer[];
  readonly manifests: readonly Manifest[];
  readonly algorithm?: DigestAlgorithm;
  readonly byParameter?: boolean;
}

type Descriptor = Readonly<Record<string, unknown>> & { readonly digest: Digest };

const emptyJson = Buffer.from('{}');

/** Makes what a row needs, with digests of one algorithm. */
export class Maker {
  readonly blobs: Buffer[] = [];
  readonly manifests: Manifest[] = [];
  readonly algorithm: DigestAlgorithm;

  constructor(algorithm: DigestAlgorithm = 'sha256') {
    this.algorithm = algorithm;
  }

  describe(bytes: Buffer | string, mediaType: string, more: object = {}): Descriptor {
    return { mediaType, digest: digestBytes(bytes, this.algorithm), size: Buffer.byteLength(bytes), ...more };
  }

  blob(mediaType: string, bytes = randomBytes(1000), more: object = {}): Descriptor {
    this.blobs.push(bytes);
    return this.describe(bytes, mediaType, more);
  }

  /** @param fields what the manifest has besides, or instead */
  image(tags: readonly string[] = [], fields: object = {}): Descriptor {
    const platform = { architecture: 'amd64', os: 'linux', made: randomBytes(4).toString('hex') };
    const config = this.blob(types.config, Buffer.from(JSON.stringify(platform)));
    return this.manifest(types.image, tags, { config, layers: [this.blob(types.layer)], ...fields });
  }

  artifact(tags: readonly string[] = [], fields: object = {}): Descriptor {
    const config = this.blob('application/vnd.oci.empty.v1+json', emptyJson);
    const layers = [this.blob('application/vnd.example+type')];
    return this.manifest(types.image, tags, { artifactType: 'application/vnd.example', config, layers, ...fields });
  }

  index(tags: readonly string[] = [], fields: object = {}): Descriptor {
    return this.manifest(types.index, tags, { manifests: [this.image(), this.image()], ...fields });
  }

  manifest(mediaType: string, tags: readonly string[], fields: object): Descriptor {
    const text = JSON.stringify({ schemaVersion: 2, mediaType, ...fields });
    const { subject } = fields as { subject?: Descriptor };
    const described = this.describe(text, mediaType);
    this.manifests.push({
      text,
      digest: described.digest,
      mediaType,
      tags,
      ...(subject && { subject: subject.digest }),
    });
    return described;
  }
}

const nonDistributable = 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip';
const tag = ['v1'];

/** The kinds of content of the OCI conformance suite, each in a repository of its own. */
export const contents: Readonly<Record<string, (make: Maker) => object | void>> = {
  'an image': (m) => m.image(tag),
  'an image of layers that are not compressed': (m) =>
    m.image(tag, { layers: [m.blob('application/vnd.oci.image.layer.v1.tar')] }),
  'an index': (m) => m.index(tag),
  'an index of an index': (m) => m.index(tag, { manifests: [m.index(), m.image()] }),
  'an index of nothing': (m) => m.index(tag, { manifests: [] }),
  'an artifact': (m) => m.artifact(tag),
  'an artifact that is its configuration': (m) =>
    m.artifact(tag, { layers: [m.blob('application/vnd.oci.empty.v1+json', emptyJson)] }),
  'an index that is an artifact': (m) => m.index(tag, { artifactType: 'application/vnd.example' }),
  'artifacts of a subject': (m) => {
    const subject = m.image(tag);
    m.artifact(['signature'], { subject, annotations: { 'org.example': 'one' } });
    m.artifact([], { subject, artifactType: 'application/vnd.other' });
    m.image([], { subject });
  },
  'indexes of a subject': (m) => {
    const subject = m.index(tag);
    m.index(['signature'], { subject, artifactType: 'application/vnd.example', annotations: { 'org.example': 'two' } });
  },
  'a subject that is missing': (m) => m.artifact(tag, { subject: m.describe(randomBytes(10), types.image) }),
  'data within descriptors': (m) => {
    const layer = Buffer.from('hello');
    m.image(tag, { layers: [m.blob(types.layer, layer, { data: layer.toString('base64') })] });
  },
  'layers that clients fetch from elsewhere': (m) =>
    m.image(tag, {
      layers: [m.describe(randomBytes(9), nonDistributable, { urls: ['https://store.example.com/layer'] })],
    }),
  'fields that no specification has': (m) =>
    m.index(tag, { 'org.example': { nested: [1, 2] }, manifests: [m.image([], { extra: true })] }),
  'no layers': (m) => m.image(tag, { layers: [] }),
  'an empty layer': (m) => m.image(tag, { layers: [m.blob(types.layer, Buffer.alloc(0))] }),
  'a manifest of 3.9 MB': (m) => m.image(tag, { annotations: { large: 'x'.repeat(3_900_000) } }),
  'missing layers and platforms': (m) => {
    m.image(tag, { layers: [m.blob(types.layer), m.describe(randomBytes(9), types.layer)] });
    m.index(['index'], { manifests: [m.image(), m.describe(randomBytes(9), types.image)] });
  },
};
