import type { PeerLink } from './peer-link.ts';
import type { Station } from './station.ts';

/** Looks at every link a few times per deadline. Returns what stops it. */
export const watchLiveness = (station: Station, links: () => Iterable<PeerLink>): (() => void) => {
  const { pingIdleMs, pingTimeoutMs } = station.limits;
  const everyMs = Math.max(5, Math.min(pingIdleMs, pingTimeoutMs) / 4);
  let lastMs = station.clock();
  const timer = setInterval(() => {
    const nowMs = station.clock();
    // After a stall of this process answers wait unread in the sockets: they are read before anyone is judged.
    const stalled = nowMs - lastMs > 2 * everyMs;
    lastMs = nowMs;
    if (stalled) return;
    for (const link of links()) link.beat(nowMs);
  }, everyMs);
  return () => clearInterval(timer);
};
