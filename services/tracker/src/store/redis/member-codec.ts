import type { PeerId } from '@shoal/core';
import type { PeerSelf } from '@shoal/protocol';
import type { Member } from '../peer-store.ts';

/** A membership as the hashes of a swarm hold it. */
export interface StoredMember {
  readonly peerId: PeerId;
  readonly raw: string;
  readonly incarnation: number;
  readonly complete: boolean;
  readonly degree: number;
  readonly zone: string;
}

/** `incarnation:complete:degree:zone` */
export const encodeMember = (
  { incarnation, zone }: PeerSelf,
  { complete, degree }: { readonly complete: boolean; readonly degree: number },
): string => `${incarnation}:${complete ? 1 : 0}:${degree}:${zone}`;

/** Members from `[peer, member, peer, member, ...]`. */
export const decodeMembers = (flat: readonly string[]): StoredMember[] => {
  const members: StoredMember[] = [];
  for (let index = 0; index + 1 < flat.length; index += 2) {
    const raw = flat[index + 1] ?? '';
    const [incarnation, complete, degree, ...zone] = raw.split(':');
    members.push({
      peerId: flat[index] as PeerId,
      raw,
      incarnation: Number(incarnation),
      complete: complete === '1',
      degree: Number(degree),
      zone: zone.join(':'),
    });
  }
  return members;
};

/** The peer's own record; what another version of the tracker wrote and this one can't read counts as absent. */
export const decodeSelf = (json: string | null): PeerSelf | undefined => {
  if (json === null) return undefined;
  try {
    return JSON.parse(json) as PeerSelf;
  } catch {
    return undefined;
  }
};

export const memberOf = (
  { complete, degree }: StoredMember,
  { peerId, incarnation, address, zone, role }: PeerSelf,
): Member => ({
  peerId,
  incarnation,
  address,
  zone,
  role,
  complete,
  degree,
});
