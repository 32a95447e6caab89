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

/** The gateway through which a piece enters a zone: piece i through gateway i mod g. */
export const gatewayOf = (gateways: readonly string[], piece: number): string | undefined =>
  gateways[piece % Math.max(1, gateways.length)];
