import type { Figures } from './figures.ts';

/** What a figure's median is held against: a number, or a multiple of another figure of the same runs. */
export interface Target {
  readonly figure: string;
  readonly sense: 'at most' | 'at least';
  readonly limit: number | { readonly of: string; readonly times: number };
  /** The condition under which the target holds, when it is not the default one. */
  readonly when?: 'sendfile';
}

const atMost = (figure: string, limit: Target['limit'], when?: Target['when']): Target => ({
  figure,
  sense: 'at most',
  limit,
  ...(when && { when }),
});

const atLeast = (figure: string, limit: Target['limit'], when?: Target['when']): Target => ({
  ...atMost(figure, limit, when),
  sense: 'at least',
});

const limited = ['upload', 'download', 'blob-upload', 'blob-download'].flatMap((side) =>
  [2, 10, 100, 500].map((rate) => `limit-${side}-${rate}MBps`),
);

/** Bodies from an agent's page cache, with sendfile(2) and without. */
const served = (way: 'on' | 'off'): Target[] =>
  ['1-client', '8-clients'].flatMap((clients) => {
    const ours = `warm-sendfile-${way}-${clients}`;
    const when = way === 'on' ? 'sendfile' : undefined;
    const nginx = { of: `nginx-sendfile-${way}-${clients}.MBps`, times: way === 'on' ? 1 : 0.85 };
    const registry = (unit: string) => ({ of: `docker-registry-${clients}.${unit}`, times: 1 });
    return [
      atMost(`${ours}.server.cpuPerGB`, way === 'on' ? 0.1 : 0.32, when),
      atLeast(`${ours}.MBps`, nginx, when),
      atLeast(`${ours}.MBps`, registry('MBps'), when),
      atMost(`${ours}.server.cpuPerGB`, registry('server.cpuPerGB'), when),
    ];
  });

export const targets: readonly Target[] = [
  atMost('exchange-copying.sum.cpuPerGB', 1.4),
  atMost('exchange.sum.cpuPerGB', 1.15, 'sendfile'),
  atMost('exchange-tls.sum.cpuPerGB', 1.8),
  atMost('exchange.sum.cpuPerGB', { of: 'reference-c.sum.cpuPerGB', times: 1.1 }),
  atMost('exchange.receiver.cpuPerGB', 1.1),
  atLeast('exchange.MBps', 900),
  atLeast('threads.MBps', 1400),
  atMost('threads.event-loop-p99.ms', 20),
  atMost('cold.agent.cpuPerGB', 1.3),
  atMost('cold.first-byte.ms', 50),
  atMost('cold.event-loop-p99.ms', 20),
  ...served('off'),
  ...served('on'),
  atLeast('push.MBps', { of: 'docker-registry-push.MBps', times: 1 }),
  atMost('memory-moving.MB', 220),
  atMost('memory-idle-40-peers.MB', 110),
  atMost('one-byte-cold.p50.ms', 20),
  atMost('manifest-by-digest-warm.p50.ms', 2),
  atMost('manifest-by-tag-warm.p50.ms', 2),
  atLeast('manifest-by-digest-warm.rps', 5000),
  atLeast('manifest-by-tag-warm.rps', 5000),
  ...limited.flatMap((name) => [atMost(`${name}.ratio`, 1.05), atLeast(`${name}.ratio`, 0.95)]),
];

export interface Verdict extends Target {
  readonly measured: number;
  readonly allowed: number;
  /** Measured over allowed. */
  readonly ratio: number;
  readonly met: boolean;
}

/** Undefined when the figure, or the one it is compared with, was not measured. */
export const judge = (
  target: Target,
  figures: Figures,
  unavailable: ReadonlyMap<string, string>,
): Verdict | undefined => {
  if (target.when !== undefined && unavailable.has(target.when)) return undefined;
  const { limit } = target;
  const measured = figures.median(target.figure);
  const compared = typeof limit === 'number' ? 1 : figures.median(limit.of);
  if (measured === undefined || compared === undefined) return undefined;
  const allowed = typeof limit === 'number' ? limit : limit.times * compared;
  const met = target.sense === 'at most' ? measured <= allowed : measured >= allowed;
  return { ...target, measured, allowed, ratio: measured / allowed, met };
};
