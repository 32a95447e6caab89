import { lineAt, mayAsk, perPeerMax, request } from './fill.ts';
import type { Neighbour } from './neighbour.ts';
import type { SwarmView } from './swarm-view.ts';

/** A piece is asked twice after so many piece times, and so many pieces at once. */
const agePieces = 4;
const duplicatesMax = 4;

/**
 * When every missing piece is under way, the oldest ones are asked a second time, of the least loaded other holder; what
 * comes first cancels the other. Without it the last piece waits for the slowest queue.
 */
export const fillEndgame = (view: SwarmView, nowMs: number): void => {
  if (view.wanted.count > 0 || view.have.complete) return;
  const pieceMs = view.turnaround.pieceMs ?? view.limits.deadlineInitialMs / 8;
  const ageMs = agePieces * pieceMs;
  const perPeer = perPeerMax(view);
  for (const neighbour of [...view.neighbours()]) {
    for (const ask of [...neighbour.asks.values()]) {
      if (view.copies[ask.piece] !== 1) continue;
      if (view.duplicates >= duplicatesMax || !view.mayAsk(nowMs)) return;
      const dueMs = ask.sentMs + ageMs;
      if (dueMs > nowMs) {
        view.wakeAt(dueMs);
        continue;
      }
      const other = otherHolder(view, neighbour, ask.piece, perPeer, nowMs);
      if (other) request(view, other, ask.piece, nowMs);
      else view.wakeAt(nowMs + Math.max(5, ageMs));
    }
  }
};

/** Agents first: an origin's bytes are the scarce ones. What is on its way from abroad crosses the border no second time. */
const otherHolder = (
  view: SwarmView,
  asked: Neighbour,
  piece: number,
  perPeer: number,
  nowMs: number,
): Neighbour | undefined => {
  for (const group of view.abroad.has(asked.peer) ? [view.agents] : [view.agents, view.origins]) {
    let best: Neighbour | undefined;
    for (const other of group.values()) {
      if (other === asked || !other.has.has(piece) || other.asks.has(piece) || !mayAsk(other, perPeer, nowMs)) continue;
      if (!best || lineAt(other) < lineAt(best)) best = other;
    }
    if (best) return best;
  }
  return undefined;
};
