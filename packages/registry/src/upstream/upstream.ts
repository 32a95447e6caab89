import type { Digest, ManifestReference, RepositoryName } from '@shoal/core';
import {
  asked,
  nextPage,
  type UpstreamBlob,
  type UpstreamList,
  type UpstreamManifest,
  blobOf,
  digestHeader,
  manifestAccept,
  manifestOf,
} from './answers.ts';
import type { Endpoint, RegistryAnswer, RegistryRequest } from './endpoint.ts';
import { Health } from './health.ts';
import { dropBody, readBody } from './transport.ts';
import { UpstreamError } from './upstream-error.ts';

export interface UpstreamOptions {
  /** Mirrors first, the registry itself last: its word counts. */
  readonly endpoints: readonly Endpoint[];
  /** Largest manifest, in bytes. */
  readonly manifestBytesMax: number;
  /** For everything but the body of a blob, with retries. */
  readonly deadlineMs: number;
  /** The same for who is hurried. */
  readonly hurriedMs: number;
  /** Milliseconds that never go back. */
  readonly clock: () => number;
}

export interface AskOptions {
  /** The caller has something to answer without the upstream: one attempt, none while it is known to be down. */
  readonly hurried?: boolean;
  readonly signal?: AbortSignal;
}

interface Patience {
  /** See AskOptions. */
  readonly hurried: boolean;
  /** Requests to one address. */
  readonly attempts: number;
}

const hasty: Patience = { hurried: true, attempts: 1 };
const patient = (attempts: number): Patience => ({ hurried: false, attempts });

const attemptsMax = 3;
const backoffMs = 400;
/** A longer `Retry-After` is for who asks next, not for who waits now. */
const waitMsMax = 3_000;
const listBytesMax = 8 * 1024 * 1024;

/** A registry that content is pulled through from. Every method throws UpstreamError when it does not deliver. */
export class Upstream {
  readonly #o: UpstreamOptions;
  readonly #addresses: readonly { readonly endpoint: Endpoint; readonly health: Health }[];

  constructor(options: UpstreamOptions) {
    this.#o = options;
    this.#addresses = options.endpoints.map((endpoint) => ({ endpoint, health: new Health(options.clock) }));
  }

  async close(): Promise<void> {
    await Promise.all(this.#addresses.map(({ endpoint }) => endpoint.close()));
  }

  /** What a tag points at now, without the manifest itself; undefined when the registry does not tell a digest by HEAD. */
  async tagDigest(repository: RepositoryName, tag: string, options: AskOptions = {}): Promise<Digest | undefined> {
    try {
      const answer = await this.#ask(
        asked('HEAD', 'manifest', repository, `manifests/${tag}`, manifestAccept),
        options,
      );
      await dropBody(answer);
      return digestHeader(answer);
    } catch (error) {
      if (error instanceof UpstreamError && error.failure === 'invalid') return undefined;
      throw error;
    }
  }

  /** Byte-exact, its digest checked. */
  async manifest(
    repository: RepositoryName,
    reference: ManifestReference,
    options: AskOptions = {},
  ): Promise<UpstreamManifest> {
    const wanted = reference.kind === 'tag' ? reference.tag : reference.digest;
    const request = asked('GET', 'manifest', repository, `manifests/${wanted}`, manifestAccept);
    return this.#ask(request, options, async (answer) => {
      const bytes = await readBody(answer.url, answer, this.#o.manifestBytesMax);
      return manifestOf(answer, bytes, reference.kind === 'digest' ? reference.digest : undefined);
    });
  }

  /** The size of a blob, where the registry tells it. */
  async blobSize(repository: RepositoryName, digest: Digest, options: AskOptions = {}): Promise<number | undefined> {
    const answer = await this.#ask(asked('HEAD', 'blob', repository, `blobs/${digest}`, {}), options);
    await dropBody(answer);
    const length = Number(answer.headers['content-length'] ?? Number.NaN);
    return Number.isSafeInteger(length) ? length : undefined;
  }

  /**
   * A blob from a byte offset on, its digest not checked: the caller sees it arrive. URLs of object storage expire, so every
   * call asks the registry again. Each address is asked once: who reads a blob has to try again anyway where it breaks off.
   * `signal` ends the body too.
   */
  async blob(repository: RepositoryName, digest: Digest, offset: number, signal: AbortSignal): Promise<UpstreamBlob> {
    const headers = { 'accept-encoding': 'identity', ...(offset > 0 && { range: `bytes=${offset}-` }) };
    const request = asked('GET', 'blob', repository, `blobs/${digest}`, headers);
    return blobOf(await this.#attempts({ ...request, signal }, patient(1), async (answer) => answer), offset);
  }

  /** JSON such as the list of tags, unread. */
  async list(repository: RepositoryName, path: string, options: AskOptions = {}): Promise<UpstreamList> {
    return this.#ask(
      asked('GET', 'list', repository, path, { accept: 'application/json, */*' }),
      options,
      async (answer) => ({
        bytes: await readBody(answer.url, answer, listBytesMax),
        more: answer.headers['link'] !== undefined,
        next: nextPage(answer, repository),
      }),
    );
  }

  #ask(request: Omit<RegistryRequest, 'signal'>, options: AskOptions): Promise<RegistryAnswer>;
  #ask<T>(
    request: Omit<RegistryRequest, 'signal'>,
    options: AskOptions,
    read: (answer: RegistryAnswer) => Promise<T>,
  ): Promise<T>;
  async #ask<T>(
    request: Omit<RegistryRequest, 'signal'>,
    { hurried = false, signal }: AskOptions,
    read: (answer: RegistryAnswer) => Promise<T> = async (answer) => answer as T,
  ): Promise<T> {
    const deadlineMs = hurried ? this.#o.hurriedMs : this.#o.deadlineMs;
    const deadline = AbortSignal.timeout(deadlineMs);
    const ends = signal ? AbortSignal.any([signal, deadline]) : deadline;
    try {
      return await this.#attempts({ ...request, signal: ends }, hurried ? hasty : patient(attemptsMax), read);
    } catch (error) {
      if (error instanceof UpstreamError || !deadline.aborted) throw error;
      throw new UpstreamError('unreachable', `${this.#name}: no answer within ${deadlineMs} ms`, {
        cause: error,
      });
    }
  }

  get #name(): string {
    return this.#addresses.at(-1)?.endpoint.url.host ?? 'upstream';
  }

  /** The addresses in turn; each is asked again when it may answer in a moment. */
  async #attempts<T>(
    request: RegistryRequest,
    patience: Patience,
    read: (answer: RegistryAnswer) => Promise<T>,
  ): Promise<T> {
    let last: unknown;
    for (const address of this.#addresses) {
      // Behind a mirror there is always the registry itself.
      const behind = address !== this.#addresses.at(-1);
      try {
        return await this.#askOne(address, request, behind ? hasty : patience, read);
      } catch (error) {
        if (!(error instanceof UpstreamError)) throw error;
        last = error;
      }
    }
    throw last;
  }

  async #askOne<T>(
    { endpoint, health }: { endpoint: Endpoint; health: Health },
    request: RegistryRequest,
    { hurried, attempts }: Patience,
    read: (answer: RegistryAnswer) => Promise<T>,
  ): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      health.check(hurried);
      try {
        const value = await read(await endpoint.ask(request));
        health.answered();
        return value;
      } catch (error) {
        // The whole deadline passed without an answer: those who can do without one need not try it again.
        if (!(error instanceof UpstreamError)) {
          health.failed(new UpstreamError('unreachable', `${endpoint.url.host}: it did not answer in time`));
          throw error;
        }
        const waitMs = error.retryAfterMs ?? backoffMs * 2 ** (attempt - 1);
        if (!error.passing || attempt === attempts || waitMs > waitMsMax) {
          health.failed(error);
          throw error;
        }
        await waited(waitMs, request.signal);
      }
    }
  }
}

const waited = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const ended = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', ended);
      resolve();
    }, ms);
    signal.addEventListener('abort', ended, { once: true });
  });
