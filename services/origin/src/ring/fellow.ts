import { type Digest, InvalidValueError, OciError, type RepositoryName, type Tag } from '@shoal/core';
import { type ClusterAnnouncement, ClusterAnnouncementSchema } from '@shoal/protocol';
import { UpstreamError } from '@shoal/registry';
import {
  type ClusterAnswer,
  type ClusterAuth,
  clusterFetch,
  clusterFetchJson,
  readBytes,
  schemaCheck,
} from '@shoal/service';
import type { Agent as HttpPool } from 'undici';
import { FellowBusyError, fellowError } from './fellow-error.ts';

const isClusterAnnouncement = schemaCheck(ClusterAnnouncementSchema);
const recordBytesMax = 32 * 1024 * 1024;

/** What another origin knows of a digest in a repository of an upstream. */
export type ToldManifest =
  | { readonly kind: 'manifest'; readonly mediaType: string; readonly bytes: Uint8Array }
  /** A manifest names it as a blob of so many bytes. */
  | { readonly kind: 'blob'; readonly size: number }
  | { readonly kind: 'unknown'; readonly reason: string };

export interface FellowOptions {
  readonly url: string;
  readonly auth: ClusterAuth;
  readonly pool: HttpPool;
  /** For an answer to a question that it may have to pass on to an upstream. */
  readonly answerMs: number;
}

/**
 * Another origin of the cluster. Its word is an OciError (404), or an UpstreamError where the upstream failed it; anything
 * else that is thrown means that it was of no use.
 */
export class Fellow {
  readonly url: string;
  readonly #o: FellowOptions;

  constructor(options: FellowOptions) {
    this.url = options.url;
    this.#o = options;
  }

  /** @throws InvalidValueError for what is no announcement */
  async announcement(timeoutMs: number): Promise<ClusterAnnouncement> {
    const answer = await clusterFetchJson(this.#o.auth, `${this.url}/shoal/v1/cluster`, {
      timeoutMs,
      signal: AbortSignal.timeout(timeoutMs),
      dispatcher: this.#o.pool,
    });
    if (!isClusterAnnouncement(answer))
      throw new InvalidValueError('cluster', answer, `the answer of GET ${this.url}/shoal/v1/cluster`);
    return answer;
  }

  /** An encoded signed tag record, and whether the upstream could not be asked if the tag has moved. */
  async tag(name: RepositoryName, tag: Tag, signal: AbortSignal): Promise<{ bytes: Uint8Array; stale: boolean }> {
    const answer = await this.#found(`tags/${tag}`, name, signal);
    const stale = String(answer.headers['warning'] ?? '').startsWith('110 ');
    return { bytes: await readBytes(answer, recordBytesMax), stale };
  }

  async manifest(name: RepositoryName, digest: Digest, signal: AbortSignal): Promise<ToldManifest> {
    const answer = await this.#ask('GET', `manifests/${digest}`, name, signal);
    const { status, headers } = answer;
    if (status === 200)
      return {
        kind: 'manifest',
        mediaType: String(headers['content-type'] ?? ''),
        bytes: await readBytes(answer, recordBytesMax),
      };
    const error = await fellowError(this.url, answer);
    if (!(error instanceof OciError)) throw error;
    const size = Number(headers['shoal-blob-size'] ?? Number.NaN);
    return Number.isSafeInteger(size) ? { kind: 'blob', size } : { kind: 'unknown', reason: error.message };
  }

  /** In bytes; undefined when nobody knows. */
  async blobSize(name: RepositoryName, digest: Digest, signal: AbortSignal): Promise<number | undefined> {
    const answer = await this.#ask('HEAD', `content/${digest}`, name, signal);
    await answer.body.dump();
    if (answer.status === 404) throw new OciError('BLOB_UNKNOWN', `repository ${name} has no blob ${digest}`);
    if (answer.status === 502)
      throw new UpstreamError('unreachable', `${this.url}: the registry of ${name} does not answer it`);
    if (answer.status !== 200) throw new FellowBusyError(`${this.url} answered ${answer.status}`);
    const size = Number(answer.headers['content-length'] ?? Number.NaN);
    return Number.isSafeInteger(size) ? size : undefined;
  }

  /** A blob from a byte offset on, as it arrives there; unverified, but for its last piece. */
  async content(
    name: RepositoryName,
    digest: Digest,
    offset: number,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>> {
    const range: Record<string, string> = offset > 0 ? { range: `bytes=${offset}-` } : {};
    const answer = await this.#ask('GET', `content/${digest}`, name, signal, range);
    if (answer.status !== (offset > 0 ? 206 : 200)) throw await fellowError(this.url, answer);
    return answer.body as AsyncIterable<Uint8Array>;
  }

  async #found(path: string, name: RepositoryName, signal: AbortSignal): Promise<ClusterAnswer> {
    const answer = await this.#ask('GET', path, name, signal);
    if (answer.status !== 200) throw await fellowError(this.url, answer);
    return answer;
  }

  #ask(
    method: 'GET' | 'HEAD',
    path: string,
    name: RepositoryName,
    signal: AbortSignal,
    headers: Record<string, string> = {},
  ): Promise<ClusterAnswer> {
    const { auth, pool, answerMs } = this.#o;
    const query = new URLSearchParams({ repository: name });
    return clusterFetch(auth, `${this.url}/shoal/v1/${path}?${query}`, {
      method,
      headers,
      timeoutMs: answerMs,
      signal,
      dispatcher: pool,
    });
  }
}
