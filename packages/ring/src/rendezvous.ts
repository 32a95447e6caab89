import { type KeyHash, keyHash } from './hash.ts';

/**
 * The members that own a key, the first owner first: those with the highest hash of (member, key). A member that leaves
 * moves only the keys that it owned, and they spread evenly over the others.
 * Source: Thaler, Ravishankar, "Using name-based mappings to increase hit rates" (1998), highest random weight.
 * @param replicas owners wanted; fewer come back when there are fewer members
 */
export const owners = (key: string, members: Iterable<string>, replicas: number, hash: KeyHash = keyHash): string[] =>
  Array.from(new Set(members), (member) => ({ member, weight: hash(`${member}\n${key}`) }))
    .toSorted((a, b) => b.weight - a.weight || (a.member < b.member ? -1 : 1))
    .slice(0, Math.max(0, replicas))
    .map(({ member }) => member);
