import { performance } from 'node:perf_hooks';
import type { Digest } from '@shoal/core';
import {
  heldParts,
  type PeerRole,
  reportNeighboursMax,
  reportSwarmsMax,
  shortPeerIdDigits,
  type SwarmReport,
} from '@shoal/protocol';
import type { AgentConfig } from '../config.ts';
import type { BlobPull } from '../pull/blob-pull.ts';
import type { ServedSeed } from '../seeds/seeds.ts';
import type { ReportBody } from './reporter.ts';
import type { Traffic } from './traffic.ts';

export interface ReportSources {
  readonly pulls: () => Iterable<BlobPull>;
  /** Most recently used last. */
  readonly seeds: () => Iterable<ServedSeed>;
  readonly traffic: Traffic;
  readonly uploadsWaiting: () => number;
  readonly limits: Pick<AgentConfig['limits'], 'uploadBytesPerSecondMax' | 'downloadBytesPerSecondMax'>;
  /** Milliseconds. */
  readonly clock: () => number;
}

/** What this node does now: its downloads, then the seeds that somebody is connected to, together at most 32. */
export const reportReader = ({ pulls, seeds, traffic, uploadsWaiting, limits, clock }: ReportSources) => {
  let utilization = performance.eventLoopUtilization();
  return (): ReportBody => {
    const before = utilization;
    utilization = performance.eventLoopUtilization();
    const swarms = Iterator.from(pulls())
      .map((pull) => ofPull(pull, traffic, clock()))
      .take(reportSwarmsMax)
      .toArray();
    for (const seed of [...seeds()].toReversed()) {
      if (swarms.length >= reportSwarmsMax) break;
      if (seed.seeding.degree > 0) swarms.push(ofSeed(seed, traffic, clock()));
    }
    const { sentBytes, receivedBytes } = traffic;
    const { uploadBytesPerSecondMax, downloadBytesPerSecondMax } = limits;
    const busy = performance.eventLoopUtilization(utilization, before).utilization;
    return {
      load: {
        sentBytes,
        receivedBytes,
        uploadBytesPerSecondMax,
        downloadBytesPerSecondMax,
        uploadsWaiting: uploadsWaiting(),
        busy: Math.round(Math.min(1, Math.max(0, busy)) * 100) / 100,
      },
      swarms,
    };
  };
};

const ofPull = (pull: BlobPull, traffic: Traffic, nowMs: number): SwarmReport => {
  const { blob, swarm, digest } = pull;
  const { stats } = pull;
  return {
    ...common({ swarm, digest, size: blob.size, pieces: blob.have.length, startedMs: pull.startedMs }, nowMs),
    ...neighboursOf(pull.neighbours()),
    have: blob.have.count,
    held: heldParts(blob.have),
    bytes: {
      peers: stats.bytesFromPeers,
      origins: stats.bytesFromOrigins,
      http: stats.bytesFromHttp,
      discarded: stats.bytesDiscarded,
      sent: traffic.sentOf(swarm),
    },
    corrupt: stats.piecesCorrupt,
    way: pull.rung,
    readers: pull.readers.size,
  };
};

const ofSeed = ({ swarm, served, seeding, startedMs }: ServedSeed, traffic: Traffic, nowMs: number): SwarmReport => {
  const { digest, size, have } = served.blob;
  return {
    ...common({ swarm, digest, size, pieces: have.length, startedMs }, nowMs),
    ...neighboursOf(seeding.neighbours()),
    have: have.length,
    held: heldParts(have),
    bytes: { peers: 0, origins: 0, http: 0, discarded: 0, sent: traffic.sentOf(swarm) },
    corrupt: 0,
    way: 'seed',
    readers: 0,
  };
};

const common = (
  what: { swarm: SwarmReport['swarm']; digest: Digest; size: number; pieces: number; startedMs: number },
  nowMs: number,
): Pick<SwarmReport, 'swarm' | 'digest' | 'size' | 'pieces' | 'ageMs'> => {
  const { startedMs, ...blob } = what;
  return { ...blob, ageMs: Math.max(0, Math.round(nowMs - startedMs)) };
};

const neighboursOf = (
  joined: Iterable<{ readonly peerId: string; readonly role: PeerRole }>,
): Pick<SwarmReport, 'neighbours' | 'origins'> => {
  const [neighbours, origins]: [string[], string[]] = [[], []];
  for (const { peerId, role } of joined) {
    const among = role === 'origin' ? origins : neighbours;
    if (among.length < reportNeighboursMax) among.push(peerId.slice(0, shortPeerIdDigits));
  }
  return { neighbours, origins };
};
