import type { TagRecord } from '@shoal/core';

export type TagVerdict = 'newer' | 'same' | 'rollback' | 'conflict';

/**
 * What a signed record is to the one already known: versions only grow, and one version of a tag has one
 * digest. Anything else is an old record played again, or an origin that lost its state. An older record of the same digest
 * says nothing else: an origin has it that another one stood in for.
 */
export const judgeTag = (known: TagRecord | undefined, candidate: TagRecord): TagVerdict => {
  if (!known || candidate.version > known.version) return 'newer';
  if (candidate.digest === known.digest) return 'same';
  return candidate.version < known.version ? 'rollback' : 'conflict';
};
