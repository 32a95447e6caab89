import { type GatewayPlace, gatewayPlace, type ZoneMember, zoneGateways } from '@shoal/swarm';
import type { Member } from './peer-store.ts';

/** Agents that one who asks may get of a swarm of several zones, and who the gateways among them are. */
export interface ZoneView {
  readonly agents: readonly Member[];
  readonly gateways: ReadonlySet<string>;
  /** Of the one that asks; undefined: it is no gateway. */
  readonly place: GatewayPlace | undefined;
}

/**
 * `local` is a sample of the zone of the one that asks; `first` the live members of each zone that joined first, in that
 * order, its own zone among them. Only a gateway gets the gateways of the other zones.
 */
export const zoneView = (
  self: { readonly peerId: string; readonly zone: string },
  local: readonly Member[],
  first: Iterable<readonly Member[]>,
): ZoneView => {
  const members = [...first].flat();
  const byZone = zoneGateways(members.map(inOrder));
  const gateways = new Set([...byZone.values()].flat());
  const abroad = gateways.has(self.peerId)
    ? members.filter(({ peerId, zone }) => zone !== self.zone && gateways.has(peerId))
    : [];
  return { agents: [...local, ...abroad], gateways, place: gatewayPlace(byZone.get(self.zone) ?? [], self.peerId) };
};

const inOrder = ({ peerId, zone }: Member, joined: number): ZoneMember => ({ peerId, zone, joined });
