import type { PieceIndex } from '@shoal/core';
import type { LeftReason, Neighbour } from './neighbour.ts';

/** What the leecher tells the download around it. */
export interface LeechHooks {
  /** The piece is in the file; before `complete`. `from` is absent when it came by HTTP. */
  verified(piece: PieceIndex, from: Neighbour | undefined): void;
  corrupt(piece: PieceIndex, from: Neighbour): void;
  starved(): void;
  completed(): void;
  joined(neighbour: Neighbour): void;
  left(neighbour: Neighbour, reason: LeftReason): void;
  discarded(bytes: number): void;
  failed(error: unknown): void;
  /** Whether this neighbour's word on the hashes of a growing blob counts. */
  trusts(neighbour: Neighbour): boolean;
  hashesKnown(): void;
  purged(): void;
}
