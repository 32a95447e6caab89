import { type Digest, isDigest, type RepositoryName } from '@shoal/core';
import { dropBody, type Endpoint, type RegistryAnswer, UpstreamError } from '@shoal/registry';

/** What a client wants, as its registry knows it. */
export interface Question {
  readonly repository: RepositoryName;
  readonly method: 'GET' | 'HEAD';
  /** Below the repository: `manifests/v1`. */
  readonly path: string;
}

/**
 * What a registry says to a client's question. `granted` has the digest that it names, `refused` the WWW-Authenticate
 * headers of a 401; so has `unreachable` where the registry answered and its token server did not.
 */
export type Verdict =
  | { readonly kind: 'granted'; readonly digest: Digest | undefined }
  | { readonly kind: 'refused'; readonly status: 401 | 403 | 404; readonly challenges: readonly string[] }
  | { readonly kind: 'unreachable'; readonly reason: string; readonly challenges?: readonly string[] };

export interface AuthorityOptions {
  /** For messages. */
  readonly host: string;
  /** Addresses that hold the same content; what one of them grants is granted. */
  readonly endpoints: readonly Endpoint[];
  /** URLs, without a path, of those whose tokens clients get through this agent. */
  readonly tokensBy: readonly string[];
  readonly deadlineMs: number;
  /** Milliseconds that never go back. */
  readonly clock: () => number;
}

/** All types of manifests: a registry that is not told of them converts manifests, or says that there is none. */
const accept = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  '*/*;q=0.1',
].join(', ');

/** How long a registry that did not answer is not asked by those who can do without. */
const downMs = 3_000;

/** Whoever decides who may read a repository: its registry, asked with the credentials that a client brought. */
export class Authority {
  readonly host: string;
  readonly #o: AuthorityOptions;
  #downUntilMs = -Infinity;

  constructor(options: AuthorityOptions) {
    this.host = options.host;
    this.#o = options;
  }

  /** `hurried`: an older answer is at hand. Never rejects. */
  async ask(question: Question, authorization: string | undefined, hurried: boolean): Promise<Verdict> {
    return this.#each(hurried, (endpoint, signal) => {
      if (authorization === undefined) return askForAnybody(endpoint, question, signal);
      const { method, repository, path } = question;
      return probe(endpoint, { method, path: `${repository}/${path}`, authorization, signal });
    });
  }

  /** `GET /v2/`: whether the credentials are any good at all. Never rejects. */
  base(authorization: string | undefined): Promise<Verdict> {
    return this.#each(false, (endpoint, signal) => probe(endpoint, { method: 'GET', path: '', authorization, signal }));
  }

  get tokensBy(): readonly string[] {
    return this.#o.tokensBy;
  }

  async close(): Promise<void> {
    await Promise.all(this.#o.endpoints.map((endpoint) => endpoint.close()));
  }

  async #each(hurried: boolean, ask: (endpoint: Endpoint, signal: AbortSignal) => Promise<Verdict>): Promise<Verdict> {
    const { endpoints, clock, deadlineMs } = this.#o;
    if (hurried && clock() < this.#downUntilMs)
      return { kind: 'unreachable', reason: `${this.host} did not answer a moment ago` };
    const signal = AbortSignal.timeout(deadlineMs);
    let worst: Verdict | undefined;
    for (const endpoint of endpoints) {
      const verdict = await ask(endpoint, signal).catch((error: unknown) => silent(this.host, error, deadlineMs));
      if (verdict.kind === 'granted') return verdict;
      if (worst === undefined || rank(verdict) > rank(worst)) worst = verdict;
    }
    if (worst?.kind === 'unreachable') this.#downUntilMs = clock() + downMs;
    return worst ?? { kind: 'unreachable', reason: `${this.host} has no address` };
  }
}

/** Of several addresses: one that did not answer may have granted it, and one that wants credentials may still. */
const rank = (verdict: Verdict): number => {
  if (verdict.kind === 'unreachable') return 2;
  return verdict.kind === 'refused' && verdict.status === 401 ? 1 : 0;
};

/**
 * What a registry gives to anybody who fetches an anonymous token needs no credentials of the client. For the rest it is
 * asked without a token: its challenge is for the client.
 */
const askForAnybody = async (
  endpoint: Endpoint,
  { method, repository, path }: Question,
  signal: AbortSignal,
): Promise<Verdict> => {
  let failure: UpstreamError | undefined;
  try {
    const askedFor = path.startsWith('blobs/') ? 'blob' : 'manifest';
    const answer = await endpoint.ask({ method, askedFor, repository, path, headers: { accept }, signal });
    await dropBody(answer);
    return { kind: 'granted', digest: digestOf(answer) };
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error;
    failure = error;
  }
  const verdict = await probe(endpoint, { method, path: `${repository}/${path}`, authorization: undefined, signal });
  if (!failure.passing || verdict.kind !== 'refused') return verdict;
  return { kind: 'unreachable', reason: failure.message, challenges: verdict.challenges };
};

const probe = async (
  endpoint: Endpoint,
  request: { method: 'GET' | 'HEAD'; path: string; authorization: string | undefined; signal: AbortSignal },
): Promise<Verdict> => {
  const answer = await endpoint.probe({ ...request, headers: { accept } });
  await dropBody(answer);
  const { statusCode, url } = answer;
  if (statusCode >= 200 && statusCode < 300) return { kind: 'granted', digest: digestOf(answer) };
  // Object storage knows nothing of the registry's users.
  if (url.origin !== endpoint.url.origin)
    return { kind: 'unreachable', reason: `${url.host}: the storage answered ${statusCode}` };
  if (statusCode === 401)
    return { kind: 'refused', status: 401, challenges: [answer.headers['www-authenticate'] ?? []].flat() };
  if (statusCode === 403 || statusCode === 404) return { kind: 'refused', status: statusCode, challenges: [] };
  return { kind: 'unreachable', reason: `${url.host}: status ${statusCode}` };
};

const digestOf = ({ headers }: RegistryAnswer): Digest | undefined => {
  const [raw = ''] = [headers['docker-content-digest'] ?? ''].flat();
  return isDigest(raw) ? raw : undefined;
};

const silent = (host: string, error: unknown, deadlineMs: number): Verdict => ({
  kind: 'unreachable',
  reason: error instanceof UpstreamError ? error.message : `${host}: no answer within ${deadlineMs} ms`,
});
