import type { PieceIndex } from '@shoal/core';
import { waitLimitMs } from './deadlines.ts';
import { lineAt, mayAsk, perPeerMax, request } from './fill.ts';
import type { Neighbour } from './neighbour.ts';
import type { SwarmView } from './swarm-view.ts';

/**
 * REQUESTs across the border of the zone, for what nobody of this zone has. One gateway brings a piece in, so that it
 * crosses once: piece i is for the gateway at place i mod g at once, and after a waiting time for whoever stands in for an
 * empty place. When it still does not come, its gateway is dead or does not know its place: after a second waiting time
 * each of the others asks for one such piece at a time.
 */
export const fillAbroad = (view: SwarmView, nowMs: number): void => {
  const { awaited, limits } = view;
  if (awaited.size === 0) return;
  const perPeer = perPeerMax(view);
  const patienceMs = waitLimitMs(view);
  let helping = false;
  for (const [piece, seenMs] of awaited) {
    if (view.outstanding >= limits.outstandingMax) return;
    const turn = turnOf(view, piece);
    if (turn === 2 && helping) continue;
    const sinceMs = seenMs ?? nowMs;
    if (seenMs === undefined) awaited.set(piece, nowMs);
    const dueMs = sinceMs + turn * patienceMs;
    if (dueMs > nowMs) {
      view.wakeAt(dueMs);
      continue;
    }
    helping ||= turn === 2;
    const source = view.wanted.has(piece) ? holderAbroad(view, piece, perPeer, nowMs) : undefined;
    if (source) request(view, source, piece, nowMs);
  }
};

/** After how many waiting times this agent asks for the piece; whom no tracker gave a place brings in all it needs. */
const turnOf = ({ gateway }: SwarmView, piece: PieceIndex): 0 | 1 | 2 => {
  if (!gateway) return 0;
  const place = piece % gateway.places;
  if (place === gateway.index) return 0;
  return place >= gateway.known && place % gateway.known === gateway.index ? 1 : 2;
};

const holderAbroad = (view: SwarmView, piece: PieceIndex, perPeer: number, nowMs: number): Neighbour | undefined => {
  let best: Neighbour | undefined;
  for (const other of view.abroad.values()) {
    if (!other.has.has(piece) || !mayAsk(other, perPeer, nowMs)) continue;
    if (!best || lineAt(other) < lineAt(best)) best = other;
  }
  return best;
};
