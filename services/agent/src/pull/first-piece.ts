export interface FirstPieceState {
  /** How long a reader has waited for its first byte. */
  readonly waitedMs: number;
  /** Pieces that are there, and all of them. */
  readonly have: number;
  readonly pieces: number;
  /** Neighbours in the swarm. */
  readonly degree: number;
}

/** A client waits for its first byte while a thirtieth of the blob is there: the swarm has other things in mind. */
const haveShare = 1 / 30;
/** As many neighbours as this make a swarm in which one more request of everybody would weigh on the origin. */
const crowdDegree = 12;

/**
 * Whether a reader's first piece is fetched by HTTP although the swarm works: rarest-first serves the swarm, not
 * the client that waits for piece 0. In a small swarm that costs the origin next to nothing; in a crowd it is
 * done only where the first-byte deadline is in danger.
 */
export const wantsFirstPiece = ({ waitedMs, have, pieces, degree }: FirstPieceState, firstByteMs: number): boolean => {
  if (waitedMs >= firstByteMs / 3) return true;
  return degree < crowdDegree && have >= pieces * haveShare;
};
