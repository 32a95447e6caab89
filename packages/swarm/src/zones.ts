/** Gateways a zone has, and agents of other zones that a gateway gets. Source: shared/design/swarm.md, "Zones". */
export const gatewaysPerZone = 10;
export const crossZoneNeighbours = 4;

/** A live member, for the choice of gateways. `joined`: a number that grows with every join. */
export interface ZoneMember {
  readonly peerId: string;
  readonly zone: string;
  readonly joined: number;
}

/**
 * The first `count` live joiners of every zone: bytes enter a zone through them, everyone else stays local. A gateway that
 * dies is replaced by the next joiner, because it is no longer among `members`.
 */
export const zoneGateways = (members: Iterable<ZoneMember>, count = gatewaysPerZone): Map<string, string[]> => {
  const zones = new Map<string, ZoneMember[]>();
  for (const member of members) {
    const zone = zones.get(member.zone);
    if (zone) zone.push(member);
    else zones.set(member.zone, [member]);
  }
  return new Map(
    Array.from(zones, ([zone, all]) => [
      zone,
      all
        .toSorted((a, b) => a.joined - b.joined || (a.peerId < b.peerId ? -1 : 1))
        .slice(0, count)
        .map(({ peerId }) => peerId),
    ]),
  );
};

/** A gateway's place in its zone: `index` of the `known` that there are, of at most `places`. */
export interface GatewayPlace {
  readonly index: number;
  readonly known: number;
  readonly places: number;
}

/** The place of a peer, from what `zoneGateways` found with the same count; undefined: it is no gateway. */
export const gatewayPlace = (
  gateways: readonly string[],
  peerId: string,
  places = gatewaysPerZone,
): GatewayPlace | undefined => {
  const index = gateways.indexOf(peerId);
  return index < 0 ? undefined : { index, known: gateways.length, places };
};
