import { hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { type Digest, type DigestAlgorithm, digestOf, type PublicKeyRecord } from '@shoal/core';
import { Agent, type Dispatcher, request } from 'undici';

/** The JSON bodies that tests look into; which fields are there depends on the request. */
export interface AnswerBody {
  readonly name: string;
  readonly tags: readonly string[];
  readonly manifests: readonly { readonly digest: string; readonly artifactType?: string }[];
  readonly errors: readonly { readonly code: string; readonly detail: readonly { readonly digest: string }[] }[];
  readonly keys: readonly PublicKeyRecord[];
  readonly piecesAddress: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Buffer;
  json(): AnswerBody;
  /** Of the OCI error body. */
  readonly code: string | undefined;
}

export interface CallOptions {
  readonly headers?: Record<string, string>;
  readonly body?: Uint8Array | string | Readable | AsyncIterable<Uint8Array> | undefined;
  readonly query?: Record<string, string>;
}

export const digestBytes = (bytes: Uint8Array | string, algorithm: DigestAlgorithm = 'sha256'): Digest =>
  digestOf(algorithm, hash(algorithm, bytes, 'buffer'));

export const types = {
  image: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  dockerImage: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
} as const;

/** What tests ask of a registry, over real HTTP. */
export class RegistryClient {
  readonly url: string;
  readonly #dispatcher: Dispatcher;
  readonly #headers: Record<string, string>;

  constructor(url: string, options: { headers?: Record<string, string>; dispatcher?: Dispatcher } = {}) {
    this.url = url;
    this.#headers = options.headers ?? {};
    this.#dispatcher = options.dispatcher ?? new Agent({ connections: 64 });
  }

  /** The same registry with other headers on every request. */
  with(headers: Record<string, string>): RegistryClient {
    return new RegistryClient(this.url, { headers: { ...this.#headers, ...headers }, dispatcher: this.#dispatcher });
  }

  async call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    const { headers, body, query } = options;
    const url = new URL(path, this.url);
    for (const [name, value] of Object.entries(query ?? {})) url.searchParams.append(name, value);
    const answer = await request(url, {
      method: method as 'GET',
      headers: { ...this.#headers, ...headers },
      dispatcher: this.#dispatcher,
      ...(body !== undefined && { body: body as Readable }),
    });
    const bytes = Buffer.from(await answer.body.bytes());
    const json = (): AnswerBody => JSON.parse(bytes.toString()) as AnswerBody;
    return { status: answer.statusCode, headers: answer.headers, bytes, json, code: codeOf(bytes) };
  }

  async startUpload(repository: string): Promise<string> {
    const { status, headers } = await this.call('POST', `/v2/${repository}/blobs/uploads/`);
    if (status !== 202) throw new Error(`POST of an upload: ${status}`);
    return String(headers['location']);
  }

  /** POST and PUT; gives the digest. */
  async pushBlob(repository: string, bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): Promise<Digest> {
    const digest = digestBytes(bytes, algorithm);
    const location = await this.startUpload(repository);
    const answer = await this.call('PUT', location, {
      query: { digest },
      body: bytes,
      headers: { 'content-type': 'application/octet-stream' },
    });
    if (answer.status !== 201) throw new Error(`PUT of a blob: ${answer.status} ${answer.bytes}`);
    return digest;
  }

  pushManifest(
    repository: string,
    reference: string,
    manifest: object | string,
    contentType: string = types.image,
  ): Promise<Answer> {
    const body = typeof manifest === 'string' ? manifest : JSON.stringify(manifest);
    return this.call('PUT', `/v2/${repository}/manifests/${reference}`, {
      body,
      headers: { 'content-type': contentType },
    });
  }

  /** Pushes blobs and a manifest under a tag; gives the manifest's bytes and digest. */
  async pushImage(
    repository: string,
    tag: string,
    seed = tag,
  ): Promise<{ text: string; digest: Digest; blobs: Digest[] }> {
    const parts = [Buffer.from(JSON.stringify({ config: seed })), Buffer.from(`layer of ${seed}`)];
    const blobs = await Promise.all(parts.map((part) => this.pushBlob(repository, part)));
    const [config, layer] = parts.map((part, index) => ({ digest: blobs[index], size: part.length }));
    const text = JSON.stringify({
      schemaVersion: 2,
      mediaType: types.image,
      config: { mediaType: types.config, ...config },
      layers: [{ mediaType: types.layer, ...layer }],
    });
    const answer = await this.pushManifest(repository, tag, text);
    if (answer.status !== 201) throw new Error(`PUT of a manifest: ${answer.status} ${answer.bytes}`);
    return { text, digest: digestBytes(text), blobs };
  }
}

const codeOf = (bytes: Buffer): string | undefined => {
  try {
    return (JSON.parse(bytes.toString()) as Partial<AnswerBody>).errors?.[0]?.code;
  } catch {
    return undefined;
  }
};
