import type { Digest, PeerId, SwarmId } from '@shoal/core';

/**
 * All keys, for a cluster called `shoal`. What stands in braces decides the slot of a Redis Cluster, so the keys of
 * one line share a slot, and a script touches one line only.
 *
 * | key                                       | type   | holds                                               | expires |
 * |-------------------------------------------|--------|-----------------------------------------------------|---------|
 * | shoal:shoal:peer:{peerId}                 | hash   | incarnation, self (JSON), refused, refreshedMs      | heartbeat TTL, renewed by each announce and heartbeat |
 * | shoal:shoal:peer-swarms:{peerId}          | set    | the swarms the peer is kept in                      | with the peer |
 * | shoal:shoal:swarm:{swarmId}               | hash   | agent -> `incarnation:complete:degree:zone`         | 6 h, renewed by each announce, and hourly for each live member |
 * | shoal:shoal:swarm-origins:{swarmId}       | hash   | the same for origins                                | with the swarm |
 * | shoal:shoal:swarm-digest:{swarmId}        | string | digest of the blob                                  | with the swarm |
 * | shoal:shoal:swarm-zones:{swarmId}         | set    | the zones of its agents                             | with the swarm |
 * | shoal:shoal:swarm-zone:{swarmId}:zone     | zset   | agent of the zone -> place in the order of joining  | with the swarm |
 * | shoal:shoal:swarm-joins:{swarmId}         | string | the last such place                                 | with the swarm |
 * | shoal:shoal:digest:{digest}               | set    | swarms of the blob, one a piece length              | with the swarm |
 * | shoal:shoal:lease:{digest}                | string | the agent that may fetch the blob elsewhere         | 10 s, while it is renewed |
 * | shoal:shoal:peers                         | zset   | peer -> when it expires; for counting               | - |
 * | shoal:shoal:swarms                        | zset   | swarm -> when it expires; for counting and paging   | - |
 * | shoal:shoal:table:{name}                  | hash   | nodes, jobs, and the state of a job at each node    | a day after the last write |
 *
 * Nothing here is the truth: what is lost is announced again by the peers.
 */
export class Keys {
  readonly #prefix: string;

  constructor(clusterId: string) {
    this.#prefix = `shoal:${clusterId}:`;
  }

  /** [peer, peer-swarms] */
  peer(peerId: PeerId): [string, string] {
    return [`${this.#prefix}peer:{${peerId}}`, `${this.#prefix}peer-swarms:{${peerId}}`];
  }

  /** [swarm, swarm-origins, swarm-digest] */
  swarm(swarm: SwarmId): [string, string, string] {
    return [
      `${this.#prefix}swarm:{${swarm}}`,
      `${this.#prefix}swarm-origins:{${swarm}}`,
      `${this.#prefix}swarm-digest:{${swarm}}`,
    ];
  }

  /** [swarm, swarm-origins, swarm-digest, swarm-zones, swarm-joins, swarm-zone] */
  membership(swarm: SwarmId, zone: string): string[] {
    return [...this.swarm(swarm), this.zones(swarm), `${this.#prefix}swarm-joins:{${swarm}}`, this.zone(swarm, zone)];
  }

  zones(swarm: SwarmId): string {
    return `${this.#prefix}swarm-zones:{${swarm}}`;
  }

  zone(swarm: SwarmId, zone: string): string {
    return `${this.#prefix}swarm-zone:{${swarm}}:${zone}`;
  }

  digest(digest: Digest): string {
    return `${this.#prefix}digest:{${digest}}`;
  }

  lease(digest: Digest): string {
    return `${this.#prefix}lease:{${digest}}`;
  }

  table(name: string): string {
    return `${this.#prefix}table:{${name}}`;
  }

  get peers(): string {
    return `${this.#prefix}peers`;
  }

  get swarms(): string {
    return `${this.#prefix}swarms`;
  }
}
