import { chunkBytesMax, dataHeaderBytes } from '@shoal/protocol';

/** Buffers that are kept for later; more than the uplinks that are busy at once use. */
const freeMax = 16;

const free: Buffer[] = [];

/**
 * A buffer for one DATA frame, header and payload together, so that it leaves in one write. The last one given
 * back is the first one taken, as it is still in the CPU's cache.
 */
export const takeChunk = (): Buffer => free.pop() ?? Buffer.allocUnsafeSlow(dataHeaderBytes + chunkBytesMax);

export const giveChunk = (chunk: Buffer): void => {
  if (free.length < freeMax) free.push(chunk);
};
