import { type BlobCut, type PieceIndex, pieceSpan } from '@shoal/core';
import type { OriginAnswer } from '../origin/answer.ts';
import { type Origins, ownerKey } from '../origin/origins.ts';

export interface HttpPiece {
  readonly metainfo: BlobCut;
  readonly repository: string;
  readonly piece: PieceIndex;
}

/**
 * The bytes of one piece from an origin by HTTP, in order and unverified; the next origin goes on where one
 * broke off. What `take` throws ends it and is thrown.
 */
export const fetchPiece = async (
  origins: Pick<Origins, 'ask'>,
  { metainfo, repository, piece }: HttpPiece,
  take: (bytes: Uint8Array) => void,
  signal: AbortSignal,
): Promise<OriginAnswer<void>> => {
  const { offset, length } = pieceSpan(metainfo.size, metainfo.pieceLength, piece);
  let received = 0;
  let fault: { error: unknown } | undefined;
  const answer = await origins.ask(
    async (client): Promise<void> => {
      if (fault || signal.aborted) return;
      const rest = { offset: offset + received, length: length - received };
      for await (const bytes of client.range(metainfo.digest, repository, rest, signal)) {
        try {
          take(bytes);
        } catch (error) {
          // Not the origin's fault: it must not be held against it.
          fault = { error };
          return;
        }
        received += bytes.length;
      }
      if (received < length) throw new Error(`the answer ended after ${received} of ${length} bytes`);
    },
    ownerKey(repository, metainfo.digest),
  );
  if (fault) throw fault.error;
  signal.throwIfAborted();
  return answer;
};
