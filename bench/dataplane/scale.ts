import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { digestOf, formatAddress, MetricsSnapshot, MiB } from '@shoal/core';
import { PieceCache, sha256 } from '@shoal/store';
import { connectPeer } from './peer-connection.ts';
import type { Service } from './processes.ts';
import { repository, type Round } from './round.ts';
import { cpuSeconds, residentBytes } from './usage.ts';

/** Of an agent's cache: all of them known, some of them seeded. */
const cachedBlobs = 100_000;
const seededBlobs = 10_000;
const originBlobs = 10_000;
/** The first ones grow the heap of an agent that had nothing to do yet, whatever a connection costs. */
const firstConnections = 100;
const connections = 400;
/** Until what the start left behind has been collected. */
const settleMs = 5000;

/** What an agent that holds much, and an origin that has much, take in memory, and how long their starts take. */
export const scale = async (round: Round): Promise<void> => {
  // Stopping writes the compile cache, which the following starts then find.
  await (await round.cluster.freshAgent('first'))[Symbol.asyncDispose]();
  const emptyMB = await emptyAgent(round);
  const cache = path.join(round.cluster.caches, 'scale');
  await fillCache(cache);
  const knownMB = await started(round, 'scale', 0);
  const seededMB = await started(round, 'scale', seededBlobs);
  round.figures.add('scale-known-blob.KB', ((knownMB - emptyMB) * 1e3) / cachedBlobs);
  round.figures.add('scale-seeded-blob.KB', ((seededMB - knownMB) * 1e3) / seededBlobs);
  await originOfMany(round);
};

const emptyAgent = async ({ cluster, figures }: Round): Promise<number> => {
  await using agent = await cluster.freshAgent('empty');
  const emptyMB = await settledMB(agent);
  figures.add('scale-empty-agent.MB', emptyMB);
  await using peers = new AsyncDisposableStack();
  const connect = async (count: number): Promise<number> => {
    for (let index = 0; index < count; index++) await connectPeer(peers, formatAddress(agent.addresses['pieces']!));
    return settledMB(agent);
  };
  const fewMB = await connect(firstConnections);
  figures.add('scale-idle-connection.KB', (((await connect(connections)) - fewMB) * 1e3) / connections);
  return emptyMB;
};

/** An agent over the full cache; until it is ready, and until it serves and has announced its seeds. */
const started = async ({ cluster, figures }: Round, name: string, seedsAnnouncedMax: number): Promise<number> => {
  const startMs = performance.now();
  await using agent = await cluster.freshAgent(name, { limits: { seedsAnnouncedMax } });
  const label = `scale-start-${cachedBlobs}-blobs-${seedsAnnouncedMax}-seeds`;
  figures.add(`${label}.s`, (performance.now() - startMs) / 1000);
  figures.add(`${label}.cpu.s`, cpuSeconds(agent.pid));
  while (!(await hasAnnounced(agent, seedsAnnouncedMax))) await wait(100);
  figures.add(`${label}-announced.s`, (performance.now() - startMs) / 1000);
  // Awaited: the agent is stopped at the end of the block.
  return await settledMB(agent);
};

const hasAnnounced = async (agent: Service, seeds: number): Promise<boolean> => {
  const metrics = new MetricsSnapshot(await (await fetch(`${agent.url('admin')}/metrics`)).text());
  return metrics.sum('shoal_agent_seeding_blobs') === seeds && metrics.sum('shoal_agent_announces_waiting') === 0;
};

const settledMB = async ({ pid }: Service): Promise<number> => {
  await wait(settleMs);
  return residentBytes(pid, 'VmRSS') / 1e6;
};

/** Sparse files of zeros that count as complete: nobody reads them. */
const fillCache = async (folder: string): Promise<void> => {
  const cache = await PieceCache.open({ folder, quotaBytes: cachedBlobs * MiB });
  const [size, hash] = [MiB / 4, sha256(new Uint8Array())];
  for (let index = 0; index < cachedBlobs; index++) {
    const digest = digestOf('sha256', sha256(Buffer.from(`blob ${index}`)));
    const metainfo = {
      digest,
      size,
      leafAlgorithm: 'sha256',
      pieceLength: MiB / 4,
      root: hash,
      pieceHashes: [hash],
    } as const;
    const blob = await cache.create({ metainfo, signatures: [] });
    blob.markPiece(0);
    await blob.finish();
  }
  await cache.close();
};

/** Content and links alone, as the first start finds them: it makes the metainfo. The second start is what is measured. */
const originOfMany = async ({ cluster, figures }: Round): Promise<void> => {
  const folder = path.join(cluster.caches, 'scale-origin');
  const content = path.join(folder, 'store/blobs/sha256');
  const links = path.join(folder, 'repositories', repository, '_blobs');
  mkdirSync(links, { recursive: true });
  for (let index = 0; index < originBlobs; index++) {
    const hex = createHash('sha256').update(String(index)).digest('hex');
    mkdirSync(path.join(content, hex.slice(0, 2)), { recursive: true });
    writeFileSync(path.join(content, hex.slice(0, 2), hex), String(index));
    writeFileSync(path.join(links, `sha256-${hex}.json`), '{}');
  }
  const first = await cluster.freshOrigin('scale-origin', folder);
  while ((await readdir(content, { recursive: true })).filter((name) => name.endsWith('.meta')).length < originBlobs)
    await wait(200);
  await first[Symbol.asyncDispose]();
  const startMs = performance.now();
  await using origin = await cluster.freshOrigin('scale-origin', folder);
  figures.add(`scale-origin-start-${originBlobs}-blobs.s`, (performance.now() - startMs) / 1000);
  figures.add(`scale-origin-${originBlobs}-blobs.MB`, await settledMB(origin));
  figures.add(`scale-origin-${originBlobs}-blobs.cpu.s`, cpuSeconds(origin.pid));
};
