import type { Digest, SwarmId } from '@shoal/core';
import {
  type AnnounceResponse,
  AnnounceResponseSchema,
  type HeartbeatResponse,
  HeartbeatResponseSchema,
  type LookupResponse,
  LookupResponseSchema,
  type PeerSelf,
  type SwarmAnnounce,
} from '@shoal/protocol';
import { type ClusterAuth, ClusterAnswerError, clusterFetchJson, schemaCheck } from '@shoal/service';
import type { Dispatcher } from 'undici';

const isAnnounceResponse = schemaCheck(AnnounceResponseSchema);
const isHeartbeatResponse = schemaCheck(HeartbeatResponseSchema);
const isLookupResponse = schemaCheck(LookupResponseSchema);

export interface TrackerClientOptions {
  readonly urls: readonly string[];
  readonly auth: ClusterAuth;
  /** Of one request to one tracker. */
  readonly timeoutMs: number;
  readonly self: () => PeerSelf;
  readonly pool: Dispatcher;
  readonly events?: TrackerClientEvents;
}

export interface TrackerClientEvents {
  /** None answered. */
  trackersFailed(reason: string): void;
  trackersAnswered(): void;
}

/**
 * The trackers' API. The tracker that answered last is asked first; when it fails the next one is asked at
 * once. Every method rejects when none answered.
 */
export class TrackerClient {
  readonly #o: TrackerClientOptions;
  #current = 0;
  #lastError: string | undefined;

  constructor(o: TrackerClientOptions) {
    this.#o = o;
  }

  /** Why the last request failed at every tracker; undefined when one answered. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  announce(swarms: readonly SwarmAnnounce[]): Promise<AnnounceResponse> {
    return this.#post('/shoal/v1/announce', { peer: this.#o.self(), swarms }, isAnnounceResponse);
  }

  /** `swarms` is how many memberships the trackers have confirmed: one that kept fewer asks for all of them again. */
  heartbeat(swarms: number): Promise<HeartbeatResponse> {
    return this.#post('/shoal/v1/heartbeat', { peer: this.#o.self(), load: { swarms } }, isHeartbeatResponse);
  }

  /** Who holds a blob or a tag record, without joining. */
  lookup(what: { digest?: Digest; swarm?: SwarmId }, want: number): Promise<LookupResponse> {
    return this.#post('/shoal/v1/lookup', { ...what, want }, isLookupResponse);
  }

  async #post<Answer>(path: string, json: unknown, isAnswer: (value: unknown) => value is Answer): Promise<Answer> {
    const { urls, auth, timeoutMs, pool } = this.#o;
    let failure: Error = new Error('no tracker is configured');
    const first = this.#current;
    for (let turn = 0; turn < urls.length; turn++) {
      // Requests that run at the same time must not move each other on, back to the tracker that fails.
      const index = (first + turn) % urls.length;
      const url = urls[index] ?? '';
      try {
        const signal = AbortSignal.timeout(timeoutMs);
        const answer = await clusterFetchJson(auth, `${url}${path}`, { json, timeoutMs, signal, dispatcher: pool });
        if (!isAnswer(answer)) throw new ClusterAnswerError(200, `${url}${path} answered outside its schema`);
        this.#lastError = undefined;
        this.#current = index;
        this.#o.events?.trackersAnswered();
        return answer;
      } catch (error) {
        failure = new Error(`tracker ${url}: ${(error as Error).message}`, { cause: error });
      }
    }
    this.#lastError = failure.message;
    if (urls.length > 0) this.#o.events?.trackersFailed(failure.message);
    throw failure;
  }
}
