import type { PieceIndex } from '@shoal/core';
import { readerPieces } from './fill.ts';
import type { OriginNeighbour } from './neighbour.ts';
import { creditPiece, type SwarmView } from './swarm-view.ts';

/** One credit an origin in a crowd, more when few ask: alone, the credits are what keeps the link full. */
export const creditsPerOrigin = ({ limits, agents }: SwarmView): number =>
  Math.max(1, Math.floor(limits.originCreditsMax / (1 + agents.size)));

/**
 * WANT_ANY to each origin while there are pieces to want. The window opens by one a delivered offer (as in TCP's slow
 * start): whoever arrives in a crowd does not know it yet.
 */
export const fillCredits = (view: SwarmView, nowMs: number): void => {
  if (view.wanted.count === 0 || view.origins.size === 0) return;
  let spare = view.wanted.count;
  for (const { credits } of view.origins.values()) spare -= credits;
  const share = creditsPerOrigin(view);
  for (const origin of view.origins.values()) {
    if (origin.creditsPausedUntilMs > nowMs) {
      view.wakeAt(origin.creditsPausedUntilMs);
      continue;
    }
    const each = Math.min(share, origin.window);
    if (origin.credits >= each) continue;
    for (let spent = origin.spent; spent < each && spare > 0 && view.mayAsk(nowMs); spent++, spare--) {
      const haveDelta = origin.delta;
      origin.delta = [];
      origin.credits++;
      view.charge(creditPiece);
      view.actions.push({ type: 'wantAny', peer: origin.peer, haveDelta, prefer: preferred(view) });
    }
  }
};

/** An origin that answers REFUSE is asked again after a pause that doubles, never at once. */
export const refused = (view: SwarmView, origin: OriginNeighbour, nowMs: number): void => {
  const { refusedPauseMinMs, refusedPauseMaxMs } = view.limits;
  if (origin.credits > 0) {
    origin.credits--;
    view.refund(creditPiece);
  }
  const pauseMs = Math.min(refusedPauseMaxMs, refusedPauseMinMs * 2 ** Math.min(20, origin.refusals));
  origin.refusals++;
  // Jitter: a crowd that was refused together does not come back together.
  origin.creditsPausedUntilMs = Math.max(origin.creditsPausedUntilMs, nowMs + pauseMs * (0.75 + view.prng() / 2));
};

/** A piece came from the origin. */
export const delivered = (view: SwarmView, origin: OriginNeighbour, piece: PieceIndex): void => {
  origin.delivered.add(piece);
  origin.window = Math.min(view.limits.originCreditsMax, origin.window + 1);
};

/** More than this is not preferred in one WANT_ANY. */
const preferMax = 2;

/** What no agent can give: the readers' next pieces, or anything when no agent has a wanted piece at all. */
const preferred = (view: SwarmView): PieceIndex[] => {
  const { wanted, availability } = view;
  const pieces = readerPieces(view)
    .filter((piece) => wanted.has(piece) && availability[piece] === 0)
    .slice(0, preferMax);
  if (pieces.length > 0) return pieces;
  for (const agent of view.agents.values()) if (agent.useful > 0) return [];
  const any = wanted.nth(Math.floor(view.prng() * Math.min(64, wanted.count)));
  return any === undefined ? [] : [any];
};
