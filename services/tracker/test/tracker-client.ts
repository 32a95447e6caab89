import type { Address } from '@shoal/core';
import { formatAddress } from '@shoal/core';
import type { AnnounceResponse, HeartbeatResponse, LookupResponse, PeerSelf, SwarmAnnounce } from '@shoal/protocol';
import type { ClusterAuth } from '@shoal/service';
import { clusterAuth, clusterFetchJson, loadConfig } from '@shoal/service';
import type { TrackerConfig } from '../src/config.ts';
import { trackerConfig } from '../src/config.ts';
import { swarmId } from '../src/store/peer-store-conformance.ts';

/** A configuration for tests: every port any free one of loopback. */
export const testConfig = (values: object = {}): TrackerConfig => {
  const free = { port: 0 };
  return loadConfig(trackerConfig, { values: { admin: free, debug: free, api: free, ui: free, ...values } });
};

export const announceOf = (swarm: number, o: Partial<SwarmAnnounce> = {}): SwarmAnnounce => ({
  swarm: swarmId(swarm),
  event: 'join',
  have: 0,
  pieces: 10,
  degree: 0,
  want: 10,
  ...o,
});

/** What a peer of the cluster does with a tracker, for tests. */
export class TrackerClient {
  readonly #url: string;
  readonly #auth: ClusterAuth;

  constructor(api: Address, secret?: string) {
    this.#url = `http://${formatAddress(api)}/shoal/v1`;
    this.#auth = clusterAuth(secret);
  }

  async announce(peer: PeerSelf, ...swarms: SwarmAnnounce[]): Promise<AnnounceResponse> {
    return (await this.post('announce', { peer, swarms })) as AnnounceResponse;
  }

  async heartbeat(peer: PeerSelf, swarms?: number): Promise<HeartbeatResponse> {
    return (await this.post('heartbeat', {
      peer,
      ...(swarms !== undefined && { load: { swarms } }),
    })) as HeartbeatResponse;
  }

  async lookup(query: object): Promise<LookupResponse> {
    return (await this.post('lookup', { want: 10, ...query })) as LookupResponse;
  }

  /** A kept-alive connection that the tracker just closed fails once, as at every peer, which then asks again. */
  async post(route: string, json: unknown): Promise<unknown> {
    const ask = (): Promise<unknown> =>
      clusterFetchJson(this.#auth, `${this.#url}/${route}`, { json, timeoutMs: 5000 });
    return ask().catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'UND_ERR_SOCKET') throw error;
      return ask();
    });
  }

  get(route: string): Promise<unknown> {
    return clusterFetchJson(this.#auth, `${this.#url}/${route}`, { timeoutMs: 5000 });
  }
}
