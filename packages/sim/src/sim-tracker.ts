import { chooseHandout, gatewayPlace, zoneGateways } from '@shoal/swarm';
import type { SimMember, SimNode } from './messages.ts';
import type { SimDownload } from './sim-download.ts';
import type { World } from './world.ts';

/** The members of every swarm and the handout; an announce takes a round trip and the tracker's own time. */
export class SimTracker {
  readonly #world: World;
  /** By blob, in the order in which they joined. */
  readonly #swarms: SimDownload[][];

  constructor(world: World) {
    this.#world = world;
    this.#swarms = world.options.blobs.map(() => []);
  }

  join(download: SimDownload): void {
    this.#announce(download, true);
    // Whoever came first found nobody: it asks again while it knows too few.
    const { events, options } = this.#world;
    const blobMs = this.#world.blob(download.blob).bytes / options.agentDown;
    const again = (): void => {
      if (!download.node.alive || download.complete) return;
      if (download.degree < options.policy.topUpBelow) this.#announce(download, true);
      events.schedule(events.nowMs + Math.max(10, blobMs / 10), again);
    };
    events.schedule(events.nowMs + Math.max(10, blobMs / 20), again);
  }

  starved(download: SimDownload): void {
    this.#announce(download, true);
  }

  complete(download: SimDownload): void {
    this.#announce(download, false);
  }

  left(node: SimNode): void {
    for (const member of node.members()) {
      const swarm = this.#swarms[member.blob] ?? [];
      const place = swarm.findIndex((other) => other.node === node);
      if (place >= 0) swarm.splice(place, 1);
    }
  }

  #announce(download: SimDownload, wants: boolean): void {
    const { events, options } = this.#world;
    events.schedule(events.nowMs + options.latencyMs + options.handlingMs, () => {
      const down = events.nowMs >= options.trackerDownFromMs && events.nowMs < options.trackerDownUntilMs;
      if (!download.node.alive || down) return;
      const swarm = this.#swarms[download.blob] ?? [];
      if (!swarm.includes(download)) swarm.push(download);
      if (!wants) return;
      const zones = this.#gateways(swarm);
      const chosen = this.#handout(download, swarm, zones && new Set([...zones.values()].flat()));
      const { node } = download;
      const place = gatewayPlace(zones?.get(String(node.zone)) ?? [], String(node.id), options.gateways);
      events.schedule(events.nowMs + options.latencyMs, () => {
        download.gateway(place);
        for (const other of chosen) this.#world.connect(download, other);
      });
    });
  }

  #handout(
    download: SimDownload,
    swarm: readonly SimDownload[],
    gateways: ReadonlySet<string> | undefined,
  ): SimMember[] {
    const { options, prng } = this.#world;
    const { dialMax, handout, acceptMax } = options.policy;
    const { node, blob, links } = download;
    const candidate = (member: SimMember) => ({
      member,
      peerId: String(member.node.id),
      role: member.node.role,
      zone: String(member.node.zone),
      complete: member.complete,
      degree: member.degree + member.dialling,
    });
    const others = swarm.filter((other) => other !== download && other.node.alive && !links.has(other.node.id));
    const degree = download.degree + download.dialling;
    const want = Math.max(
      0,
      degree >= 2 * dialMax ? (degree < acceptMax ? 1 : 0) : Math.min(dialMax, 2 * dialMax - degree),
    );
    const origins = this.#world.ownersOf(blob).flatMap((index) => {
      const origin = this.#world.origins[index];
      const member = origin?.alive ? origin.member(blob) : undefined;
      const abroad = gateways && origin?.zone !== node.zone && !gateways.has(String(node.id));
      return member && !abroad && !links.has(member.node.id) ? [member] : [];
    });
    if (handout !== 'production') {
      const agents = others.filter((other) => other.degree + other.dialling < acceptMax);
      const ranked = agents.map((member) => ({
        member,
        rank: prng() - (handout === 'mostComplete' ? member.leech.have.count : 0),
      }));
      ranked.sort((a, b) => a.rank - b.rank);
      return [...origins, ...ranked.slice(0, want).map(({ member }) => member)];
    }
    const chosen = chooseHandout(others.map(candidate), {
      peerId: String(node.id),
      zone: String(node.zone),
      want,
      prng,
      degreeMax: acceptMax,
      ...(gateways && { gateways }),
    });
    return [...origins, ...chosen.map(({ member }) => member)];
  }

  /** By zone; undefined when nobody is kept from other zones. */
  #gateways(swarm: readonly SimDownload[]): Map<string, string[]> | undefined {
    const { gateways } = this.#world.options;
    if (gateways === 0) return undefined;
    const members = swarm
      .filter(({ node }) => node.alive)
      .map(({ node }, joined) => ({ peerId: String(node.id), zone: String(node.zone), joined }));
    return zoneGateways(members, gateways);
  }
}
