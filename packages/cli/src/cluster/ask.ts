import { MetricsSnapshot, ShoalError } from '@shoal/core';
import { type ClusterAuth, clusterAuth, clusterFetchJson } from '@shoal/service/client';
import type { Endpoints } from './endpoints.ts';

/** For one question to one process. */
const timeoutMs = 5000;
const bodyBytesMax = 32 * 1024 * 1024;

/** What a process answered, or why it did not. */
export type Asked<T> = { readonly value: T } | { readonly failure: string };

export const asked = async <T>(question: Promise<T>): Promise<Asked<T>> =>
  question.then(
    (value) => ({ value }),
    (error: unknown) => ({ failure: reasonOf(error) }),
  );

/** The innermost reason in words: fetch and connect wrap theirs. */
export const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return `no answer within ${timeoutMs / 1000} s`;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ECONNREFUSED') return 'nothing listens there';
  if (error.cause instanceof Error) return reasonOf(error.cause);
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  return error.message || code || error.name;
};

export const getText = async (url: string): Promise<{ status: number; text: string; date: string | null }> => {
  const answer = await fetch(url, { signal: AbortSignal.timeout(timeoutMs), redirect: 'error' });
  return { status: answer.status, text: await answer.text(), date: answer.headers.get('date') };
};

/** @throws Error unless the answer is 200 */
export const getMetrics = async (admin: string): Promise<MetricsSnapshot> => {
  const { status, text } = await getText(`${admin}/metrics`);
  if (status !== 200) throw new Error(`${admin}/metrics answered ${status}`);
  return new MetricsSnapshot(text);
};

export interface Readiness {
  readonly service: string;
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, string>>;
  readonly notes: Readonly<Record<string, string>>;
}

export const getReadiness = async (admin: string): Promise<Readiness> => {
  const { status, text } = await getText(`${admin}/readyz`);
  if (status !== 200 && status !== 503) throw new Error(`${admin}/readyz answered ${status}`);
  return JSON.parse(text) as Readiness;
};

/** An error that says who could not be reached, and why; what somebody answered is said by itself. */
export const saying = (error: unknown, urls: readonly string[]): unknown =>
  error instanceof ShoalError ? error : new Error(`${urls.join(', ')}: ${reasonOf(error)}`, { cause: error });

/** Signed with the cluster secret where there is one; tries the next address when one does not answer. */
export class ClusterClient {
  readonly #auth: ClusterAuth;

  constructor({ secret }: Pick<Endpoints, 'secret'>) {
    this.#auth = clusterAuth(secret);
  }

  get auth(): ClusterAuth {
    return this.#auth;
  }

  /** JSON by GET, or by POST of `json`. @throws ClusterAnswerError, ClusterAuthError, or why nobody could be reached */
  async json<T>(
    urls: readonly string[],
    path: string,
    options: { json?: unknown; method?: 'DELETE' } = {},
  ): Promise<T> {
    let failure: unknown = new Error('no address is given');
    for (const url of urls) {
      try {
        const signal = AbortSignal.timeout(4 * timeoutMs);
        const o = { ...options, timeoutMs, signal, bytesMax: bodyBytesMax };
        return (await clusterFetchJson(this.#auth, `${url}${path}`, o)) as T;
      } catch (error) {
        failure = error;
        if ('answerStatus' in (error as object)) break;
      }
    }
    throw saying(failure, urls);
  }
}
