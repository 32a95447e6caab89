import { mayAsk, perPeerMax } from './fill.ts';
import type { Ask, Neighbour } from './neighbour.ts';
import type { SwarmView } from './swarm-view.ts';

const clamp = (view: SwarmView, ms: number | undefined): number =>
  Math.min(
    view.limits.deadlineMaxMs,
    Math.max(view.limits.deadlineFloorMs, ms ?? view.limits.deadlineInitialMs) * view.turnaround.backoff,
  );

/** How long a request may wait in a queue. */
export const waitLimitMs = (view: SwarmView): number => clamp(view, view.turnaround.waitMs);

/** When the request is given up if nothing more comes: from the measured turnaround, floor and ceiling by the limits. */
export const deadlineMs = (view: SwarmView, ask: Ask): number =>
  ask.startedMs === undefined ? ask.sentMs + waitLimitMs(view) : ask.progressMs + clamp(view, view.turnaround.stallMs);

/**
 * Requests past their deadline are cancelled and their pieces free again, when anybody else could serve them; a peer that
 * was silent all the while loses all its requests and is left alone until it is heard of. It loses its connection only
 * after `silentDropMs`. Slow is no crime: the next pieces are merely asked elsewhere first.
 */
export const checkDeadlines = (view: SwarmView, nowMs: number): void => {
  const waitMs = waitLimitMs(view);
  let anyMissed = false;
  for (const neighbour of [...view.neighbours()]) {
    if (neighbour.asks.size === 0) continue;
    let missed = false;
    let silent = false;
    let oldestMs = nowMs;
    for (const ask of [...neighbour.asks.values()]) {
      oldestMs = Math.min(oldestMs, ask.sentMs);
      const dueMs = deadlineMs(view, ask);
      if (dueMs > nowMs) view.wakeAt(dueMs);
      else if (!replaceable(view, neighbour, ask, nowMs)) view.wakeAt(nowMs + view.limits.deadlineFloorMs);
      else {
        missed = true;
        silent ||= nowMs - neighbour.heardMs >= waitMs / 2;
        view.cancel(neighbour, ask.piece);
      }
    }
    if (nowMs - Math.max(neighbour.heardMs, oldestMs) >= view.limits.silentDropMs) {
      view.leave(neighbour);
      view.actions.push({ type: 'dropPeer', peer: neighbour.peer, reason: 'stalled' });
    } else if (missed) {
      neighbour.misses++;
      anyMissed = true;
      if (silent) silence(view, neighbour, nowMs);
    }
  }
  if (anyMissed) view.turnaround.missed(waitMs, nowMs);
};

const silence = (view: SwarmView, neighbour: Neighbour, nowMs: number): void => {
  for (const piece of [...neighbour.asks.keys()]) view.cancel(neighbour, piece);
  neighbour.silent = true;
  neighbour.pausedUntilMs = nowMs + waitLimitMs(view) * 2 ** Math.min(5, neighbour.misses);
  view.wakeAt(neighbour.pausedUntilMs);
};

/** Whether giving the request up can help: somebody else may be asked, or a second copy is under way. */
const replaceable = (view: SwarmView, asked: Neighbour, ask: Ask, nowMs: number): boolean => {
  if ((view.copies[ask.piece] ?? 0) > 1) return true;
  for (const origin of view.origins.values()) if (origin !== asked) return true;
  const perPeer = perPeerMax(view);
  for (const group of [view.agents, view.abroad]) {
    for (const agent of group.values())
      if (agent !== asked && agent.has.has(ask.piece) && mayAsk(agent, perPeer, nowMs)) return true;
  }
  return false;
};
