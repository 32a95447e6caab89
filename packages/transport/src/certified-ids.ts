import { parsePeerId, type PeerId } from '@shoal/core';

const uri = /(?:^|, )URI:shoal:peer:([0-9a-f]{40})(?=,|$)/g;

/**
 * The peer ids that a certificate binds its holder to, by URIs `shoal:peer:<40 hex digits>` among its subject
 * alternative names; undefined when it names none, and any may be claimed.
 */
export const certifiedIds = (names: string | undefined): ReadonlySet<PeerId> | undefined => {
  const ids = [...(names ?? '').matchAll(uri)].map(([, id = '']) => parsePeerId(id));
  return ids.length === 0 ? undefined : new Set(ids);
};
