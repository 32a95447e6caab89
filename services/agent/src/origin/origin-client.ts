import { type Digest, InvalidValueError, type RepositoryName, type Tag } from '@shoal/core';
import { type ClusterAnnouncement, ClusterAnnouncementSchema } from '@shoal/protocol';
import {
  type ClusterAnswer,
  type ClusterAuth,
  ClusterAnswerError,
  clusterFetch,
  clusterFetchJson,
  type HttpPool,
  readBytes,
  releaseChunk,
  request,
  schemaCheck,
} from '@shoal/service';
import { parseUpstreamName, retryAfterMs } from '@shoal/registry';

/** Records and manifests above this are refused, whatever an origin announces. */
const recordBytesMax = 16 * 1024 * 1024;

const isClusterAnnouncement = schemaCheck(ClusterAnnouncementSchema);

/** An origin said that it does not have it; the message is the origin's reason. */
export class AbsentError extends Error {}

/** An origin is well, and sends as many bodies as it may; it can be asked again after `retryAfterMs`. */
export class OriginBusyError extends ClusterAnswerError {
  readonly retryAfterMs: number;
  constructor(message: string, retryAfterMs: number) {
    super(503, message);
    this.retryAfterMs = Math.min(retryAfterMs, retryAfterMsMax);
  }
}

const retryAfterMsMax = 30_000;

/** A signed record of a tag, or of referrers, as an origin gave it. */
export interface TagAnswer {
  readonly bytes: Uint8Array;
  /** The origin could not ask the upstream registry whether it has changed. */
  readonly stale: boolean;
}

/** The control API of one origin. Every method rejects with AbsentError for a 404, with anything else when the origin is of no use. */
export class OriginClient {
  readonly url: string;
  readonly #auth: ClusterAuth;
  readonly #timeoutMs: number;
  readonly #upstreamMs: number;
  readonly #pool: HttpPool;

  /** `upstreamMs` is the timeout of questions that the origin may have to pass on to another registry. */
  constructor(o: { url: string; auth: ClusterAuth; timeoutMs: number; upstreamMs: number; pool: HttpPool }) {
    this.url = o.url;
    this.#auth = o.auth;
    this.#timeoutMs = o.timeoutMs;
    this.#upstreamMs = o.upstreamMs;
    this.#pool = o.pool;
  }

  async cluster(): Promise<ClusterAnnouncement> {
    const answer = await clusterFetchJson(this.#auth, `${this.url}/shoal/v1/cluster`, {
      timeoutMs: this.#timeoutMs,
      signal: AbortSignal.timeout(this.#timeoutMs),
      dispatcher: this.#pool,
    });
    if (!isClusterAnnouncement(answer))
      throw new InvalidValueError('cluster', JSON.stringify(answer), `the answer of GET ${this.url}/shoal/v1/cluster`);
    return answer;
  }

  /** Encoded signed metainfo. */
  metainfo(digest: Digest, repository: string): Promise<Uint8Array> {
    return this.#record(`/shoal/v1/metainfo/${digest}`, repository);
  }

  /** An encoded signed tag record. */
  tag(repository: RepositoryName, tag: Tag): Promise<TagAnswer> {
    return this.#freshOrStale(`/shoal/v1/tags/${tag}`, repository);
  }

  /** An encoded signed record of what refers to a manifest. */
  referrers(repository: RepositoryName, subject: Digest): Promise<TagAnswer> {
    return this.#freshOrStale(`/shoal/v1/referrers/${subject}`, repository);
  }

  async #freshOrStale(path: string, repository: string): Promise<TagAnswer> {
    const { bytes, headers } = await this.#found(path, repository);
    return { bytes, stale: String(headers['warning'] ?? '').startsWith('110 ') };
  }

  /** The whole of some small content, unverified. */
  content(digest: Digest, repository: string): Promise<Uint8Array> {
    return this.#record(`/shoal/v1/content/${digest}`, repository);
  }

  /**
   * Bytes of a blob from `offset` on, as they arrive, unverified; valid until the next ones are asked for. The wait for any
   * part of them is bounded by the client's timeout; the whole by `signal`.
   */
  async *range(
    digest: Digest,
    repository: string,
    span: { offset: number; length: number },
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    const { offset, length } = span;
    const answer = await this.#get(`/shoal/v1/content/${digest}`, repository, signal, {
      range: `bytes=${offset}-${offset + length - 1}`,
    });
    if (answer.status !== 206 && !(answer.status === 200 && offset === 0)) throw await refusal(this.url, answer);
    let left = length;
    for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
      yield chunk.subarray(0, Math.min(chunk.length, left));
      left -= chunk.length;
      releaseChunk(chunk);
      if (left <= 0) return;
    }
  }

  /** A GET of the registry API, which is for clients and proves nothing; `authorization` is one of theirs. */
  async registry(
    path: string,
    repository: RepositoryName,
    authorization: string | undefined,
  ): Promise<{ status: number; more: boolean; body: Uint8Array }> {
    const signal = AbortSignal.timeout(this.#timeout(repository));
    const { statusCode, headers, body } = await request(`${this.url}${path}`, {
      signal,
      dispatcher: this.#pool,
      headers: { ...(authorization !== undefined && { authorization }) },
    });
    const bytes = await readBytes({ status: statusCode, headers, body }, recordBytesMax);
    if (statusCode === 404) throw new AbsentError(`${this.url} answered 404`);
    if (statusCode >= 500) throw new ClusterAnswerError(statusCode, `${this.url} answered ${statusCode}`);
    return { status: statusCode, more: headers['link'] !== undefined, body: bytes };
  }

  async #record(path: string, repository: string): Promise<Uint8Array> {
    return (await this.#found(path, repository)).bytes;
  }

  async #found(path: string, repository: string): Promise<Pick<ClusterAnswer, 'headers'> & { bytes: Uint8Array }> {
    // Not AbortSignal.timeout, whose timer outlives the answer: thousands a second would wait to fire in vain.
    const deadline = new AbortController();
    const timeoutMs = this.#timeout(repository);
    const late = () => deadline.abort(new Error(`no answer within ${timeoutMs} ms`));
    const timer = setTimeout(late, timeoutMs);
    try {
      const answer = await this.#get(path, repository, deadline.signal, {});
      if (answer.status !== 200) throw await refusal(this.url, answer);
      return { headers: answer.headers, bytes: await readBytes(answer, recordBytesMax) };
    } finally {
      clearTimeout(timer);
    }
  }

  #timeout(repository: string): number {
    return parseUpstreamName(repository as RepositoryName) ? this.#upstreamMs : this.#timeoutMs;
  }

  #get(path: string, repository: string, signal: AbortSignal, headers: Record<string, string>): Promise<ClusterAnswer> {
    return clusterFetch(this.#auth, `${this.url}${path}?repository=${encodeURIComponent(repository)}`, {
      timeoutMs: this.#timeout(repository),
      signal,
      headers,
      dispatcher: this.#pool,
    });
  }
}

const refusal = async (url: string, answer: ClusterAnswer): Promise<Error> => {
  const { code, reason } = await faultOf(answer);
  const message = `${url} answered ${answer.status}${reason && `: ${reason}`}`;
  const restMs = code === 'BUSY' ? retryAfterMs(answer.headers, Date.now()) : undefined;
  if (restMs !== undefined) return new OriginBusyError(message, restMs);
  return answer.status === 404 ? new AbsentError(message) : new ClusterAnswerError(answer.status, message);
};

/** What an OCI error body says, or nothing. */
const faultOf = async (answer: ClusterAnswer): Promise<{ code?: unknown; reason: string }> => {
  try {
    const { errors } = JSON.parse((await readBytes(answer, 16 * 1024)).toString()) as {
      errors?: { code?: unknown; message?: unknown }[];
    };
    const { code, message } = errors?.[0] ?? {};
    return { code, reason: typeof message === 'string' ? message.slice(0, 500) : '' };
  } catch {
    return { reason: '' };
  }
};
