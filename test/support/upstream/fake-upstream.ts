import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { HttpSide, sendJson } from './http-side.ts';
import { sendBytes, Storage } from './storage.ts';
import { TokenServer, type TokenServerOptions } from './token-server.ts';

export interface FakeUpstreamOptions extends Partial<Omit<TokenServerOptions, 'tls'>> {
  /** How it wants to be asked; `open` wants nothing. */
  readonly auth?: 'open' | 'basic' | 'bearer';
  readonly tls?: boolean;
  /** Blobs are redirected to another host. */
  readonly redirects?: boolean;
  /** A repository has only what was added to it; otherwise all have everything. */
  readonly separate?: boolean;
}

export interface UpstreamLogLine {
  readonly method: string;
  /** Path without `/v2/`. */
  readonly path: string;
  readonly status: number;
  readonly authorization: string | undefined;
}

export const ociImage = 'application/vnd.oci.image.manifest.v1+json';

const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** A registry for tests, with its token server and its object storage, that can be told to misbehave. Repositories below `private/` need a user. */
export class FakeUpstream implements AsyncDisposable {
  readonly log: UpstreamLogLine[] = [];
  readonly storage: Storage;
  readonly tokens: TokenServer;
  readonly blobs = new Map<string, Uint8Array>();
  readonly manifests = new Map<string, { readonly mediaType: string; readonly bytes: Uint8Array }>();
  readonly tags = new Map<string, string>();
  /** Answers the next requests in its place; true when it did. */
  misbehave: ((request: IncomingMessage, reply: ServerResponse, url: URL) => boolean) | undefined;
  /** Sent with every answer. */
  headers: Record<string, string> = {};
  readonly #options: FakeUpstreamOptions;
  /** `<repository>@<digest>` */
  readonly #held = new Set<string>();
  #side!: HttpSide;

  private constructor(options: FakeUpstreamOptions, storage: Storage, tokens: TokenServer) {
    this.#options = options;
    this.storage = storage;
    this.tokens = tokens;
  }

  static async start(options: FakeUpstreamOptions = {}): Promise<FakeUpstream> {
    const tls = options.tls === true;
    const upstream = new FakeUpstream(options, await Storage.start(tls), await TokenServer.start({ ...options, tls }));
    upstream.#side = await HttpSide.start(tls, (request, reply, url) => upstream.#handle(request, reply, url));
    return upstream;
  }

  get url(): string {
    return this.#side.url;
  }

  /** `127.0.0.1:<port>` */
  get host(): string {
    return new URL(this.url).host;
  }

  addBlob(bytes: Uint8Array): string {
    const digest = digestOf(bytes);
    this.blobs.set(digest, bytes);
    return digest;
  }

  addManifest(repository: string, tag: string, text: string, mediaType = ociImage): string {
    const bytes = Buffer.from(text);
    const digest = digestOf(bytes);
    this.manifests.set(digest, { mediaType, bytes });
    this.tags.set(`${repository}:${tag}`, digest);
    this.#held.add(`${repository}@${digest}`);
    return digest;
  }

  /** An image with layers of random bytes. */
  addImage(
    repository: string,
    tag: string,
    layerSizes: readonly number[],
  ): { digest: string; layers: string[]; config: string } {
    const config = Buffer.from(JSON.stringify({ made: randomBytes(8).toString('hex') }));
    const layers = layerSizes.map((size) => randomBytes(size));
    const descriptor = (mediaType: string, bytes: Uint8Array) => ({
      mediaType,
      digest: this.addBlob(bytes),
      size: bytes.length,
    });
    const manifest = {
      schemaVersion: 2,
      mediaType: ociImage,
      config: descriptor('application/vnd.oci.image.config.v1+json', config),
      layers: layers.map((bytes) => descriptor('application/vnd.oci.image.layer.v1.tar', bytes)),
    };
    const digest = this.addManifest(repository, tag, JSON.stringify(manifest, null, 2));
    for (const part of [manifest.config, ...manifest.layers]) this.#held.add(`${repository}@${part.digest}`);
    return { digest, layers: layers.map(digestOf), config: digestOf(config) };
  }

  /** How often something was asked for: `GET`, `/blobs/sha256:...`. Challenges (401) do not count. */
  asked(method: string, part: string): number {
    return this.log.filter((line) => line.method === method && line.path.includes(part) && line.status !== 401).length;
  }

  async #handle(request: IncomingMessage, reply: ServerResponse, url: URL): Promise<void> {
    const path = decodeURIComponent(url.pathname).replace(/^\/v2\//, '');
    reply.once('close', () => {
      const { method = '', headers } = request;
      this.log.push({ method, path, status: reply.statusCode, authorization: headers.authorization });
    });
    for (const [name, value] of Object.entries(this.headers)) reply.setHeader(name, value);
    if (this.misbehave?.(request, reply, url) === true) return;
    const [, repository = '', kind, reference = ''] =
      /^(.+)\/(manifests|blobs|tags|referrers)\/([^/]+)$/.exec(path) ?? [];
    if (!this.#admits(request.headers.authorization, repository)) return this.#challenge(reply, repository);
    const digest = this.tags.get(`${repository}:${reference}`) ?? reference;
    if (this.#options.separate === true && kind !== 'tags' && !this.#held.has(`${repository}@${digest}`))
      return sendJson(reply, 404, {});
    if (kind === 'manifests') return this.#manifest(request, reply, digest);
    if (kind === 'blobs') return this.#blob(request, reply, reference);
    if (kind !== 'tags') return sendJson(reply, 404, {});
    const tags = [...this.tags.keys()].filter((key) => key.startsWith(`${repository}:`));
    sendJson(reply, 200, { name: repository, tags: tags.map((key) => key.slice(repository.length + 1)) });
  }

  #admits(authorization: string | undefined, repository: string): boolean {
    const { auth = 'open', user } = this.#options;
    if (auth === 'bearer') return this.tokens.admits(authorization, repository, repository.startsWith('private/'));
    const basic = user && `Basic ${Buffer.from(`${user.name}:${user.password}`).toString('base64')}`;
    return auth === 'open' || authorization === basic;
  }

  #challenge(reply: ServerResponse, repository: string): void {
    const bearer = `Bearer realm="${this.tokens.realm}",service="fake",scope="repository:${repository}:pull"`;
    const challenge = this.#options.auth === 'basic' ? 'Basic realm="fake, with a comma"' : bearer;
    sendJson(reply, 401, { errors: [{ code: 'UNAUTHORIZED' }] }, { 'www-authenticate': challenge });
  }

  #manifest(request: IncomingMessage, reply: ServerResponse, digest: string): void {
    const manifest = this.manifests.get(digest);
    if (!manifest) return sendJson(reply, 404, { errors: [{ code: 'MANIFEST_UNKNOWN' }] });
    reply.writeHead(200, {
      'content-type': manifest.mediaType,
      'content-length': manifest.bytes.length,
      'docker-content-digest': digest,
    });
    reply.end(request.method === 'HEAD' ? undefined : manifest.bytes);
  }

  #blob(request: IncomingMessage, reply: ServerResponse, digest: string): void {
    const bytes = this.blobs.get(digest);
    if (!bytes) return sendJson(reply, 404, { errors: [{ code: 'BLOB_UNKNOWN' }] });
    if (request.method === 'HEAD') return void reply.writeHead(200, { 'content-length': bytes.length }).end();
    if (this.#options.redirects === true)
      return void reply.writeHead(307, { location: this.storage.presigned(digest.slice(7, 19), bytes) }).end();
    sendBytes(reply, bytes, request.headers.range, this.storage.truncations.shift());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#side, this.storage, this.tokens].map((part) => part[Symbol.asyncDispose]()));
  }
}
