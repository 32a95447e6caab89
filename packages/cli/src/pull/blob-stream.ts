import { createHash } from 'node:crypto';
import { type Digest, digestAlgorithm } from '@shoal/core';
import { Agent, request } from 'undici';

/** A body may break off, as registries do; containerd resumes five times as well. */
const attemptsMax = 5;
const timeouts = { headersTimeout: 60_000, bodyTimeout: 120_000 };

/** A request for content was answered otherwise than with it. */
export class AnswerError extends Error {
  readonly status: number;
  constructor(url: string, status: number, body: string) {
    super(`${url} answered ${status}: ${body.slice(0, 300)}`);
    this.status = status;
  }
}

/** What the bytes turned out to be is not what was asked for. */
export class DigestMismatchError extends Error {}

export interface StreamOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly pool: Agent;
  /** The size is known before the first chunk where the server tells it. */
  readonly chunk: (bytes: Buffer, size: number | undefined) => void | Promise<void>;
}

/**
 * The bytes of a blob in order, resumed by Range where the body breaks off; the digest is verified at the end.
 * @returns how many there were. @throws AnswerError, DigestMismatchError
 */
export const streamBlob = async (url: string, digest: Digest, options: StreamOptions): Promise<number> => {
  const hash = createHash(digestAlgorithm(digest));
  let [received, size] = [0, undefined as number | undefined];
  for (let attempt = 1; ; attempt++) {
    const before = received;
    try {
      const headers = { ...options.headers, ...(received > 0 && { range: `bytes=${received}-` }) };
      const answer = await request(url, { ...timeouts, dispatcher: options.pool, headers });
      if (answer.statusCode !== (received > 0 ? 206 : 200))
        throw new AnswerError(url, answer.statusCode, await answer.body.text());
      const length = Number(answer.headers['content-length'] ?? Number.NaN);
      size ??= Number.isNaN(length) ? undefined : length;
      for await (const chunk of answer.body as AsyncIterable<Buffer>) {
        received += chunk.length;
        hash.update(chunk);
        await options.chunk(chunk, size);
      }
      if (size !== undefined && received < size) throw new Error(`${url} ended at byte ${received} of ${size}`);
      break;
    } catch (error) {
      const stuck = received === before && attempt > 1;
      if (error instanceof AnswerError || attempt >= attemptsMax || stuck) throw error;
    }
  }
  const actual = `${digestAlgorithm(digest)}:${hash.digest('hex')}`;
  if (actual !== digest) throw new DigestMismatchError(`${url}: the bytes have the digest ${actual}, not ${digest}`);
  return received;
};
