/** What eviction decides on; sizes in bytes. */
export interface RoomRequest<Blob extends EvictionCandidate> {
  /** Of the blob that wants in. */
  readonly size: number;
  /** Of all blobs that are there. */
  readonly bytes: number;
  /** Of those among them that are retained. */
  readonly retainedBytes: number;
  readonly quotaBytes: number;
  readonly highWater: number;
  readonly lowWater: number;
  /** What the disk lacks, the new blob and the free minimum included; negative when it has more than enough. */
  readonly diskShortBytes: number;
  /** Blobs above the bound of their number. */
  readonly blobsOver: number;
  /** Blobs that are not retained, least recently used first. */
  readonly candidates: Iterable<Blob>;
}

export interface EvictionCandidate {
  readonly size: number;
  /** Bytes it takes on the disk now. */
  readonly storedBytes: number;
}

export type RoomDecision<Blob> =
  | { readonly kind: 'room'; readonly victims: readonly Blob[] }
  | { readonly kind: 'tooLarge' | 'retained' | 'diskFull' };

/**
 * Who leaves so that a blob fits: above the high water mark down to the low one, and as many more as the disk needs.
 * Refuses before the first eviction when it would not help.
 */
export const makeRoom = <Blob extends EvictionCandidate>(request: RoomRequest<Blob>): RoomDecision<Blob> => {
  const { size, quotaBytes, retainedBytes } = request;
  if (size > quotaBytes) return { kind: 'tooLarge' };
  if (size > 0 && retainedBytes + size > quotaBytes) return { kind: 'retained' };
  const isOver = request.bytes + size > quotaBytes * request.highWater;
  const goalBytes = isOver ? quotaBytes * request.lowWater : Infinity;
  const victims: Blob[] = [];
  let bytes = request.bytes + size;
  let shortBytes = request.diskShortBytes;
  for (const blob of request.candidates) {
    if (bytes <= goalBytes && shortBytes <= 0 && victims.length >= request.blobsOver) break;
    victims.push(blob);
    bytes -= blob.size;
    shortBytes -= blob.storedBytes;
  }
  return shortBytes > 0 ? { kind: 'diskFull' } : { kind: 'room', victims };
};

export const sumOf = <Blob>(blobs: Iterable<Blob>, bytesOf: (blob: Blob) => number): number => {
  let sum = 0;
  for (const blob of blobs) sum += bytesOf(blob);
  return sum;
};
