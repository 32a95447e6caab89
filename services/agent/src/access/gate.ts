import { type Digest, type ManifestReference, OciError, type RepositoryName, ShoalError } from '@shoal/core';
import { ChallengeError, parseUpstreamName, type ReadClient, SingleFlight } from '@shoal/registry';
import type { Authority, Question, Verdict } from './authority.ts';
import { type Grant, Grants } from './grants.ts';
import { passedOnHere } from './token-relay.ts';

export type AccessOutcome = 'granted' | 'refused' | 'stale' | 'unavailable';

export interface AccessGateOptions {
  /** The cluster's own origins. */
  readonly own: Authority;
  /** Other registries, by host. */
  readonly others: ReadonlyMap<string, Authority>;
  /** How long a positive answer is believed. */
  readonly keptMs: number;
  /** How old one may be while the registry does not answer. */
  readonly staleMs: number;
  /** Milliseconds that never go back. */
  readonly clock: () => number;
  readonly checked: (outcome: AccessOutcome) => void;
}

const askingMax = 2_048;

interface Asked extends Question {
  /** The name that the cluster knows the repository by. */
  readonly name: RepositoryName;
  readonly authority: Authority;
  readonly client: ReadClient;
  /** See Grants. */
  readonly what: string;
  /** Whether only an answer to this very question will do. */
  readonly exact?: boolean;
  readonly code: 'MANIFEST_UNKNOWN' | 'BLOB_UNKNOWN' | 'NAME_UNKNOWN';
}

/**
 * Who may read what: whoever the content's own registry gives it to. Each method resolves when it would, and throws what
 * the client is to be told: OciError UNAUTHORIZED (401, with the registry's challenge), DENIED (403), *_UNKNOWN (404);
 * ShoalError UNAVAILABLE (503) when the registry does not answer and has not said so lately.
 */
export class AccessGate {
  readonly #o: AccessGateOptions;
  readonly #grants = new Grants();
  readonly #flights = new SingleFlight<Verdict>({ keysMax: askingMax });

  constructor(options: AccessGateOptions) {
    this.#o = options;
  }

  manifest(name: RepositoryName, reference: ManifestReference, client: ReadClient): Promise<Grant> {
    const [wanted, what] =
      reference.kind === 'tag' ? [reference.tag, `tag:${reference.tag}`] : [reference.digest, reference.digest];
    return this.#check(name, client, { method: 'HEAD', path: `manifests/${wanted}`, what, code: 'MANIFEST_UNKNOWN' });
  }

  /** `referred`: it is enough that a manifest refers to it which this client was given. */
  blob(name: RepositoryName, digest: Digest, client: ReadClient, how: 'referred' | 'exact'): Promise<Grant> {
    const exact = how === 'exact';
    const code = 'BLOB_UNKNOWN';
    return this.#check(name, client, { method: 'HEAD', path: `blobs/${digest}`, what: digest, exact, code });
  }

  /** Lists of tags and referrers: they are for whoever may pull. */
  lists(name: RepositoryName, client: ReadClient): Promise<Grant> {
    return this.#check(name, client, { method: 'GET', path: 'tags/list?n=1', what: 'lists', code: 'NAME_UNKNOWN' });
  }

  /** The client was given the manifest `digest`, which refers to these blobs. */
  given(name: RepositoryName, client: ReadClient, grant: Grant, digest: Digest, blobs: readonly Digest[]): void {
    const { atMs } = grant;
    const put = (what: Digest, referred: boolean): void => {
      const key = this.#grants.key(client.authorization, name, what);
      if ((this.#grants.get(key)?.atMs ?? -Infinity) < atMs)
        this.#grants.put(key, { digest: undefined, atMs, referred });
    };
    put(digest, false);
    for (const blob of blobs) put(blob, true);
  }

  /** `GET /v2/` of the registry that a client means; undefined: the cluster's own. */
  async base(host: string | undefined, client: ReadClient): Promise<void> {
    const authority = this.#authority(host);
    const verdict = await authority.base(client.authorization);
    if (verdict.kind === 'granted') return;
    if (verdict.kind === 'unreachable') throw unavailable(verdict.reason);
    if (verdict.status !== 404) throw refusal({ authority, client, code: 'NAME_UNKNOWN' }, authority.host, verdict);
  }

  async #check(
    name: RepositoryName,
    client: ReadClient,
    question: Omit<Asked, 'name' | 'client' | 'authority' | 'repository'>,
  ): Promise<Grant> {
    const named = parseUpstreamName(name);
    const authority = this.#authority(named?.host);
    return this.#ask({ ...question, name, client, authority, repository: named?.repository ?? name });
  }

  async #ask(asked: Asked): Promise<Grant> {
    const { keptMs, staleMs, clock, checked } = this.#o;
    const { name, client, authority, what, exact = true } = asked;
    const key = this.#grants.key(client.authorization, name, what);
    const kept = this.#grants.get(key);
    const known = exact && kept?.referred === true ? undefined : kept;
    const atMs = clock();
    if (known && atMs - known.atMs < keptMs) return known;
    const stale = known && atMs - known.atMs < staleMs ? known : undefined;
    const verdict = await this.#flights.run(key, () => authority.ask(asked, client.authorization, stale !== undefined));
    if (verdict.kind === 'granted') {
      const grant = { digest: verdict.digest, atMs };
      this.#grants.put(key, grant);
      checked('granted');
      return grant;
    }
    if (verdict.kind === 'refused') {
      this.#grants.revoke(key);
      checked('refused');
      throw refusal(asked, `${name}, ${what}`, verdict);
    }
    checked(stale ? 'stale' : 'unavailable');
    if (stale) return stale;
    if (verdict.challenges) throw refusal(asked, name, { status: 401, challenges: verdict.challenges });
    throw unavailable(verdict.reason);
  }

  /** @throws OciError NAME_UNKNOWN (404) for a registry that nobody can be asked about: the runtime asks it itself */
  #authority(host: string | undefined): Authority {
    const authority = host === undefined ? this.#o.own : this.#o.others.get(host);
    if (authority) return authority;
    throw new OciError(
      'NAME_UNKNOWN',
      `${host} is not among the registries of which this agent checks the credentials`,
    );
  }
}

const refusal = (
  { authority, client, code }: Pick<Asked, 'authority' | 'client' | 'code'>,
  what: string,
  { status, challenges }: { status: 401 | 403 | 404; challenges: readonly string[] },
): OciError => {
  if (status === 403) return new OciError('DENIED', `${authority.host} denies access to ${what}`);
  if (status === 404) return new OciError(code, `${authority.host} does not give ${what} with these credentials`);
  const reachable = challenges.map((challenge) => passedOnHere(challenge, authority.tokensBy, client.reachedAt));
  return new ChallengeError(`${authority.host} wants credentials for ${what}`, reachable);
};

const unavailable = (reason: string): ShoalError =>
  new ShoalError('UNAVAILABLE', 503, `who may read this cannot be found out: ${reason}`);
