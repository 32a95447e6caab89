import { ShoalError } from '@shoal/core';
import type { Dispatcher } from 'undici';
import { request } from '../http/http-pool.ts';
import type { ClusterAuth } from './cluster-auth.ts';
import { ClusterAuthError, unsignedBody } from './cluster-auth.ts';

export interface ClusterFetchOptions {
  readonly method?: Dispatcher.HttpMethod;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text and bytes are signed; a stream is not (see `unsignedBody`). */
  readonly body?: string | Uint8Array | NodeJS.ReadableStream;
  /** Until the headers of the answer, and between any two parts of its body. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Connection pool, TLS options; undici's own by default. */
  readonly dispatcher?: Dispatcher;
}

export interface ClusterAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Read it or call `dump()`: the connection is held until its end. */
  readonly body: Dispatcher.ResponseData['body'];
}

/**
 * One signed request to another process of the cluster; the answer is checked to come from a holder of the
 * same secret before it is given back, whatever its status. A GET whose connection ends before the answer is sent once
 * more: one that was kept open may have been closed at the other end, or by what stands between, at that moment.
 * @throws ClusterAuthError, or what undici throws when the other side can't be reached in time.
 */
export const clusterFetch = async (
  auth: ClusterAuth,
  url: string | URL,
  options: ClusterFetchOptions,
): Promise<ClusterAnswer> => {
  const { method = 'GET', body } = options;
  try {
    return await fetchOnce(auth, url, options);
  } catch (error) {
    if (method !== 'GET' || body !== undefined || !connectionEnded(error)) throw error;
    return fetchOnce(auth, url, options); // With a nonce of its own: the other side may have seen the first.
  }
};

const connectionEnded = (error: unknown): boolean =>
  ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(String((error as { code?: unknown }).code));

const fetchOnce = async (
  auth: ClusterAuth,
  url: string | URL,
  options: ClusterFetchOptions,
): Promise<ClusterAnswer> => {
  const target = typeof url === 'string' ? new URL(url) : url;
  const { method = 'GET', headers = {}, body, timeoutMs, signal, dispatcher } = options;
  const signedBody = body === undefined || typeof body === 'string' || body instanceof Uint8Array ? body : unsignedBody;
  const proof = auth.signHeaders({ method, path: `${target.pathname}${target.search}`, body: signedBody });
  const answer = await request(target, {
    method,
    headers: { ...headers, ...proof },
    body: (body ?? null) as Dispatcher.RequestOptions['body'],
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    ...(signal && { signal }),
    ...(dispatcher && { dispatcher }),
  });
  try {
    verify(auth, proof, answer);
  } catch (error) {
    await answer.body.dump({ limit: dumpBytesMax }).catch(() => {});
    throw error;
  }
  return { status: answer.statusCode, headers: answer.headers, body: answer.body };
};

const dumpBytesMax = 16 * 1024;

const verify = (auth: ClusterAuth, proof: Record<string, string>, answer: Dispatcher.ResponseData<unknown>): void => {
  if (answer.statusCode === 401)
    throw new ClusterAuthError(
      'the other side refused our signature (401): both need the same cluster secret (cluster.secret) and clocks that agree',
    );
  auth.verifyAnswer({ nonce: proof['shoal-nonce'] ?? '', status: answer.statusCode, headers: answer.headers });
};

export interface ClusterJsonOptions extends Omit<ClusterFetchOptions, 'body'> {
  /** Sent as JSON, by POST unless another method is given. */
  readonly json?: unknown;
  readonly bytesMax?: number;
}

/** The answer could not be used: another status than 2xx, or a body that is no JSON or too large. */
export class ClusterAnswerError extends ShoalError {
  readonly answerStatus: number;
  constructor(status: number, message: string) {
    super('CLUSTER_ANSWER', 502, message);
    this.answerStatus = status;
  }
}

/** clusterFetch for small JSON. The value is not validated: check it against its schema. @throws ClusterAnswerError */
export const clusterFetchJson = async (
  auth: ClusterAuth,
  url: string | URL,
  { json, bytesMax = 4 * 1024 * 1024, ...options }: ClusterJsonOptions,
): Promise<unknown> => {
  const sent =
    json === undefined
      ? {}
      : {
          method: 'POST' as const,
          body: JSON.stringify(json),
          headers: { 'content-type': 'application/json', ...options.headers },
        };
  const answer = await clusterFetch(auth, url, {
    ...options,
    ...sent,
    ...(options.method && { method: options.method }),
  });
  const bytes = await readBytes(answer, bytesMax);
  if (answer.status < 200 || answer.status > 299)
    throw new ClusterAnswerError(
      answer.status,
      `${new URL(url).origin} answered ${answer.status}: ${saidIn(bytes.toString('utf8')).slice(0, 300)}`,
    );
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new ClusterAnswerError(answer.status, `${new URL(url).origin} answered with a body that is no JSON`);
  }
};

/** The first message of an error as processes of the cluster send it; other text as it is. */
const saidIn = (text: string): string => {
  try {
    const { errors } = JSON.parse(text) as { errors?: readonly { code?: unknown; message?: unknown }[] };
    const [first] = errors ?? [];
    return first ? `${String(first.message)} (${String(first.code)})` : text;
  } catch {
    return text;
  }
};

/** The whole body of an answer. @throws ClusterAnswerError when it is larger than `bytesMax`. */
export const readBytes = async (answer: ClusterAnswer, bytesMax: number): Promise<Buffer> => {
  // Of a known length undici gathers it itself, which costs less than an iteration.
  if (Number(answer.headers['content-length']) <= bytesMax) return Buffer.from(await answer.body.arrayBuffer());
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer.body) {
    size += (chunk as Buffer).length;
    if (size > bytesMax) throw new ClusterAnswerError(answer.status, `the answer is larger than ${bytesMax} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks, size);
};
