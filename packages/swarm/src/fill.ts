import type { PieceIndex } from '@shoal/core';
import type { Neighbour } from './neighbour.ts';
import { pickLowest } from './piece-set.ts';
import type { SwarmView } from './swarm-view.ts';

/** A missed deadline weighs like so many waiting requests, so a slow peer is asked last, not never. */
const missWeight = 4;

/** Below so many agents each of them may be asked for more at once, so that a small swarm keeps its links full. */
const agentsForNarrow = 4;

/** Outstanding requests that one agent may have. */
export const perPeerMax = ({ limits, agents }: SwarmView): number => {
  if (agents.size >= agentsForNarrow) return limits.outstandingPerPeerMax;
  return Math.max(
    limits.outstandingPerPeerMax,
    Math.min(2 * limits.outstandingPerPeerMax, Math.ceil(limits.outstandingMax / Math.max(1, agents.size))),
  );
};

export const mayAsk = (neighbour: Neighbour, perPeer: number, nowMs: number): boolean =>
  neighbour.asked < perPeer && neighbour.pausedUntilMs <= nowMs;

/** The shortest line first, ties at random. */
export const lineAt = (neighbour: Neighbour): number =>
  neighbour.queueLength + neighbour.asked + missWeight * neighbour.misses;

/** REQUESTs until D are out: the readers' next pieces, then the rarest piece of the agent with the shortest line. */
export const fillRequests = (view: SwarmView, nowMs: number): void => {
  const { wanted } = view;
  const slots = wanted.count === 0 ? 0 : slotsMax(view, nowMs);
  if (view.outstanding >= slots) {
    view.dryMs = undefined;
    return;
  }
  if (view.agents.size === 0) {
    view.dryMs ??= nowMs;
    return;
  }
  const perPeer = perPeerMax(view);
  for (const piece of readerPieces(view)) {
    if (view.outstanding >= slots || !view.mayAsk(nowMs)) return;
    if (!wanted.has(piece)) continue;
    const source = shortestLine(view, perPeer, nowMs, (agent) => agent.has.has(piece));
    if (source) request(view, source, piece, nowMs);
  }
  while (view.outstanding < slots && wanted.count > 0 && view.mayAsk(nowMs)) {
    const source = shortestLine(view, perPeer, nowMs, (agent) => agent.useful > 0);
    const piece = source && pickLowest(source.has, wanted, view.availability, view.prng);
    if (!source || piece === undefined) {
      view.dryMs ??= nowMs;
      return;
    }
    request(view, source, piece, nowMs);
  }
  view.dryMs = undefined;
};

/** A newcomer that was asked has this part of the first deadline to show that it lives. */
const unprovenPart = 1 / 4;

/**
 * D, and one more for each request at a neighbour that has not said a word since it joined: the first neighbour of all
 * may be a dead one, and would hold every slot until the first deadline.
 */
const slotsMax = (view: SwarmView, nowMs: number): number => {
  const { outstandingMax, deadlineInitialMs } = view.limits;
  if (view.outstanding < outstandingMax) return outstandingMax;
  let mute = 0;
  for (const agent of view.agents.values()) {
    if (agent.proven) continue;
    for (const { sentMs } of agent.asks.values()) {
      const dueMs = sentMs + deadlineInitialMs * unprovenPart;
      if (dueMs <= nowMs) mute++;
      else view.wakeAt(dueMs);
    }
  }
  return outstandingMax + Math.min(mute, outstandingMax);
};

/** The next missing pieces of each reader, `readerPiecesMax` in all but at least one for the first readers. */
export const readerPieces = ({ cursors, have, limits, pieceCount }: SwarmView): PieceIndex[] => {
  const each = Math.max(1, Math.floor(limits.readerPiecesMax / Math.max(1, cursors.length)));
  const pieces: PieceIndex[] = [];
  for (const cursor of cursors) {
    if (pieces.length >= limits.readerPiecesMax) break;
    let piece = have.firstMissing(cursor);
    for (let count = 0; count < each && piece < pieceCount; count++) {
      if (!pieces.includes(piece)) pieces.push(piece);
      piece = have.firstMissing(piece + 1);
    }
  }
  return pieces;
};

export const request = (view: SwarmView, source: Neighbour, piece: PieceIndex, nowMs: number): void => {
  view.ask(source, piece, false, nowMs);
  view.actions.push({ type: 'request', peer: source.peer, piece });
};

const shortestLine = (
  view: SwarmView,
  perPeer: number,
  nowMs: number,
  holds: (agent: Neighbour) => boolean,
): Neighbour | undefined => {
  let best: Neighbour | undefined;
  let bestLine = Infinity;
  for (const agent of view.agents.values()) {
    if (!holds(agent) || !mayAsk(agent, perPeer, nowMs)) continue;
    const line = lineAt(agent) + view.prng() * 0.9;
    if (line >= bestLine) continue;
    best = agent;
    bestLine = line;
  }
  return best;
};
