import type { PieceIndex } from '@shoal/core';
import { waitLimitMs } from './deadlines.ts';
import { lineAt, mayAsk, perPeerMax, request } from './fill.ts';
import type { Neighbour } from './neighbour.ts';
import type { SwarmView } from './swarm-view.ts';

/**
 * REQUESTs across the border of the zone, for what nobody of this zone has. One gateway brings a piece in, so that it
 * crosses once: piece i is for the gateway at place i mod g at once, for the next one a waiting time later and so on, so
 * that a gateway which is dead, or knows nobody abroad, delays its pieces and the others do not all come at once.
 */
export const fillAbroad = (view: SwarmView, nowMs: number): void => {
  const { awaited, limits } = view;
  if (awaited.size === 0) return;
  const perPeer = perPeerMax(view);
  const patienceMs = waitLimitMs(view);
  for (const [piece, seenMs] of awaited) {
    if (view.outstanding >= limits.outstandingMax || !view.mayAsk(nowMs)) return;
    if (seenMs === undefined) awaited.set(piece, nowMs);
    const dueMs = (seenMs ?? nowMs) + turnOf(view, piece) * patienceMs;
    if (dueMs > nowMs) {
      view.wakeAt(dueMs);
      continue;
    }
    const source = view.wanted.has(piece) ? holderAbroad(view, piece, perPeer, nowMs) : undefined;
    if (source) request(view, source, piece, nowMs);
  }
};

/** After how many waiting times this agent asks for the piece; whom no tracker gave a place brings in all it needs. */
const turnOf = ({ gateway }: SwarmView, piece: PieceIndex): number => {
  if (!gateway) return 0;
  const { index, known, places } = gateway;
  const place = piece % places;
  const isEmpty = place >= known;
  return ((index + known - (place % known)) % known) + (isEmpty ? 1 : 0);
};

const holderAbroad = (view: SwarmView, piece: PieceIndex, perPeer: number, nowMs: number): Neighbour | undefined => {
  let best: Neighbour | undefined;
  for (const other of view.abroad.values()) {
    if (!other.has.has(piece) || !mayAsk(other, perPeer, nowMs)) continue;
    if (!best || lineAt(other) < lineAt(best)) best = other;
  }
  return best;
};
