import type { Digest, SwarmId } from '@shoal/core';
import {
  type AnnounceResponse,
  AnnounceResponseSchema,
  type HeartbeatRequest,
  type HeartbeatResponse,
  HeartbeatResponseSchema,
  type LeaseResponse,
  LeaseResponseSchema,
  type LookupResponse,
  LookupResponseSchema,
  type PeerSelf,
  type Report,
  type ReportResponse,
  ReportResponseSchema,
  type SwarmAnnounce,
} from '@shoal/protocol';
import { type ClusterAuth, ClusterAnswerError, clusterFetchJson, schemaCheck } from '@shoal/service';
import type { Dispatcher } from 'undici';
import { staggered } from './staggered.ts';

const isAnnounceResponse = schemaCheck(AnnounceResponseSchema);
const isHeartbeatResponse = schemaCheck(HeartbeatResponseSchema);
const isReportResponse = schemaCheck(ReportResponseSchema);
const isLeaseResponse = schemaCheck(LeaseResponseSchema);
const isLookupResponse = schemaCheck(LookupResponseSchema);

/**
 * How long a tracker may be silent before the next one is asked as well: a machine that is gone refuses nothing, and a
 * download that waits for its peers had better hear of them from another one than turn to the origins.
 */
const silenceMs = 300;

export interface TrackerClientOptions {
  readonly urls: readonly string[];
  readonly auth: ClusterAuth;
  /** Of one request to one tracker. */
  readonly timeoutMs: number;
  readonly self: () => PeerSelf;
  readonly pool: Dispatcher;
  readonly events?: TrackerClientEvents;
  /** How often the tracker that answered takes reports; undefined: it takes none. */
  readonly paced?: (reportMs: number | undefined) => void;
}

export interface TrackerClientEvents {
  /** None answered. */
  trackersFailed(reason: string): void;
  trackersAnswered(): void;
}

/**
 * The trackers' API. The tracker that answered last is asked first; the next one is asked at once when it fails, and
 * beside it when it is silent. Every method rejects when none answered.
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

  async announce(swarms: readonly SwarmAnnounce[]): Promise<AnnounceResponse> {
    const answer = await this.#post('/shoal/v1/announce', { peer: this.#o.self(), swarms }, isAnnounceResponse);
    this.#o.paced?.(answer.reportMs);
    return answer;
  }

  /** `swarms` is how many memberships the trackers have confirmed: one that kept fewer asks for all of them again. */
  async heartbeat(swarms: number, more: Pick<HeartbeatRequest, 'node' | 'states'> = {}): Promise<HeartbeatResponse> {
    const beat: HeartbeatRequest = { peer: this.#o.self(), load: { swarms }, ...more };
    const answer = await this.#post('/shoal/v1/heartbeat', beat, isHeartbeatResponse);
    this.#o.paced?.(answer.reportMs);
    return answer;
  }

  /** To the tracker that answered last, and to no other: whether one is there is for announces to find out. */
  report(report: Omit<Report, 'peer'>): Promise<ReportResponse> {
    const url = this.#o.urls[this.#current] ?? '';
    return this.#ask(url, '/shoal/v1/report', { peer: this.#o.self(), ...report }, isReportResponse);
  }

  /** Who holds a blob or a tag record, without joining. */
  lookup(what: { digest?: Digest; swarm?: SwarmId }, want: number): Promise<LookupResponse> {
    return this.#post('/shoal/v1/lookup', { ...what, want, peerId: this.#o.self().peerId }, isLookupResponse);
  }

  /** The lease under which one agent at a time may fetch a digest from another registry. */
  lease(digest: Digest, { release = false }: { release?: boolean } = {}): Promise<LeaseResponse> {
    return this.#post('/shoal/v1/lease', { peer: this.#o.self(), digest, release }, isLeaseResponse);
  }

  async #post<Answer>(path: string, json: unknown, isAnswer: (value: unknown) => value is Answer): Promise<Answer> {
    const { urls, events } = this.#o;
    if (urls.length === 0) throw new Error((this.#lastError = 'no tracker is configured'));
    const first = this.#current;
    // Requests that run at the same time must not move each other on, back to the tracker that fails.
    const attempts = urls.map((_, turn) => {
      const index = (first + turn) % urls.length;
      return async () => ({ index, answer: await this.#ask(urls[index] ?? '', path, json, isAnswer) });
    });
    try {
      const { index, answer } = await staggered(attempts, silenceMs);
      this.#current = index;
      this.#lastError = undefined;
      events?.trackersAnswered();
      return answer;
    } catch (error) {
      this.#lastError = (error as Error).message;
      events?.trackersFailed(this.#lastError);
      throw error;
    }
  }

  async #ask<Answer>(
    url: string,
    path: string,
    json: unknown,
    isAnswer: (value: unknown) => value is Answer,
  ): Promise<Answer> {
    const { auth, timeoutMs, pool } = this.#o;
    try {
      const signal = AbortSignal.timeout(timeoutMs);
      const answer = await clusterFetchJson(auth, `${url}${path}`, { json, timeoutMs, signal, dispatcher: pool });
      if (!isAnswer(answer)) throw new ClusterAnswerError(200, `${url}${path} answered outside its schema`);
      return answer;
    } catch (error) {
      throw new Error(`tracker ${url}: ${(error as Error).message}`, { cause: error });
    }
  }
}
