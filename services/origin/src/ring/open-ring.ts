import { type ClusterAuth, clientTls, type Log } from '@shoal/service';
import { Agent as HttpPool } from 'undici';
import type { OriginConfig } from '../config.ts';
import type { OriginMetrics } from '../metrics.ts';
import { Fellow } from './fellow.ts';
import { OriginRing } from './origin-ring.ts';

/** Beyond what the other origin waits for the upstream. */
const graceMs = 2_000;

export interface OpenRingOptions {
  readonly config: OriginConfig;
  readonly peerId: string;
  readonly auth: ClusterAuth;
  readonly metrics: OriginMetrics;
  readonly log: Log;
}

/** Closed with `parts`. Resolves when each configured origin has answered or not. @throws TlsFileError */
export const openRing = async (
  parts: AsyncDisposableStack,
  { config, peerId, auth, metrics, log }: OpenRingOptions,
): Promise<OriginRing> => {
  const { origins, checkMs, caFile } = config.ring;
  const shown = config.registry.tls;
  const tls = {
    ...clientTls('registry.tls', { certFile: shown?.certFile, keyFile: shown?.keyFile }),
    ...clientTls('ring', { caFile }),
  };
  const pool = parts.adopt(new HttpPool({ connect: { timeout: checkMs, ...tls } }), (opened) => opened.destroy());
  const answerMs = config.upstreams.deadlineMs + graceMs;
  const { ringQuestions, ringOriginsUp } = metrics.made;
  const ring = new OriginRing({
    fellows: origins.map((url) => new Fellow({ url: url.replace(/\/+$/, ''), auth, pool, answerMs })),
    self: { peerId, clusterId: config.cluster.id },
    checkMs,
    events: {
      fellowUp: (origin, id) => {
        ringOriginsUp.inc();
        log.info({ origin, peerId: id }, 'another origin shares the work');
      },
      fellowDown: (origin, reason) => {
        ringOriginsUp.dec();
        log.warn({ origin, reason }, 'another origin does not answer; the next ones do its work');
      },
      ringAsked: (by) => ringQuestions.inc({ by }),
    },
  });
  parts.use(ring);
  await ring.start();
  return ring;
};
