/**
 * Measures the data plane with the services in processes of their own, beside what else there is on this machine: see
 * docs/BENCHMARKS.md. `npm run bench:dataplane -- --size 256MiB --runs 3`
 */
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, stat, truncate } from 'node:fs/promises';
import path from 'node:path';
import { GiB, MiB } from '@shoal/core';
import { optionsOf } from '../command-line.ts';
import { writeBlobFile } from './blob-file.ts';
import { BenchCluster } from './cluster.ts';
import { Figures } from './figures.ts';
import { describeMachine } from './machine.ts';
import { blobLimits } from './blob-limits.ts';
import { limits } from './limits.ts';
import { memory } from './memory.ts';
import { scale } from './scale.ts';
import { parseOptions, usageOf } from './options.ts';
import { dockerRegistry, nginx, openssl, reference } from './peers.ts';
import { Client } from './processes.ts';
import { asJson, asText } from './report.ts';
import type { Round, Scenario } from './round.ts';
import { fromOrigin, warm, whyNoSendfile } from './serving.ts';
import { small } from './small.ts';
import { cold, exchange, exchangeByCopies, exchangeOverTls, push, threads } from './transfers.ts';

interface Entry {
  readonly run: Scenario;
  /** What must have run on the same blob before. */
  readonly needs?: readonly string[];
  /** In which folder its copy of the blob is, for those that need it. */
  readonly copy?: string;
}

/** In this order, once a run. */
const scenarios: Readonly<Record<string, Entry>> = {
  push: { run: push },
  cold: { run: cold, needs: ['push'], copy: 'agent' },
  exchange: { run: exchange, needs: ['push', 'cold'], copy: 'follower' },
  reference: { run: reference },
  threads: { run: threads, needs: ['push', 'cold', 'exchange'] },
  'exchange-copying': { run: exchangeByCopies, needs: ['push'] },
  'exchange-tls': { run: exchangeOverTls, needs: ['push'] },
  origin: { run: fromOrigin, needs: ['push'] },
  warm: { run: warm, needs: ['push'] },
  nginx: { run: nginx },
  'docker-registry': { run: dockerRegistry },
  small: { run: small },
  limits: { run: limits },
  'blob-limits': { run: blobLimits },
  openssl: { run: openssl },
};

/** Once, on agents of their own. */
const once = { memory, scale };

const names = [...Object.keys(scenarios), ...Object.keys(once)];
const options = optionsOf((args) => parseOptions(args, names), usageOf(names));
const chosen = new Set(options.only.flatMap((name) => [...(scenarios[name]?.needs ?? []), name]));
const machine = describeMachine();
const figures = new Figures();

const oneRun = async (round: Omit<Round, 'blob'>, size: number, names: readonly string[]): Promise<void> => {
  const folder = path.join(round.cluster.folder, 'files');
  await mkdir(folder, { recursive: true });
  const blob = writeBlobFile(path.join(folder, 'blob'), size);
  for (const [index, name] of names.entries()) {
    process.stderr.write(`${name} `);
    await (once[name as keyof typeof once] ?? scenarios[name]!.run)({ ...round, blob });
    await forgetContent(round.cluster, ['files', 'origin', ...copiesFor(names.slice(index + 1))]);
  }
  await rm(blob.path);
  await forgetContent(round.cluster);
  process.stderr.write('\n');
};

/** Folders of copies of the blob that these scenarios need. */
const copiesFor = (names: readonly string[]): string[] =>
  names.flatMap((name) => scenarios[name]?.needs ?? []).flatMap((name) => scenarios[name]?.copy ?? []);

/**
 * Gives back the memory and the disk of the blob, which is not asked for again. Who holds the file open goes on. A copy
 * stays no longer than it is needed: a virtual machine that has not used so much memory for a while gets it from its host
 * page by page, which costs more CPU than the transfer.
 */
const forgetContent = async (cluster: BenchCluster, kept: readonly string[] = []): Promise<void> => {
  for (const folder of [cluster.folder, cluster.caches]) {
    for (const owner of (await readdir(folder)).filter((name) => !kept.includes(name)))
      await emptyFiles(path.join(folder, owner));
  }
};

const emptyFiles = async (folder: string): Promise<void> => {
  if (!(await stat(folder)).isDirectory()) return;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.isFile() && (await stat(file)).size >= MiB) await truncate(file);
  }
};

const measureAll = async (): Promise<void> => {
  await using parts = new AsyncDisposableStack();
  const makeFolder = async (parent: string): Promise<string> => {
    const made = await mkdtemp(path.join(parent, 'shoal-bench-'));
    // Also when a signal ends this: it may be memory that the folder holds.
    process.on('exit', () => rmSync(made, { recursive: true, force: true }));
    return made;
  };
  const folders = [await makeFolder(options.folder), await makeFolder(options.caches)] as const;
  const cluster = parts.use(await BenchCluster.start(...folders, options.profile));
  const client = parts.use(new Client());
  const everyRun = Object.keys(scenarios).filter((name) => chosen.has(name));
  // Those before are not counted: code is compiled in them, until about a gigabyte has moved.
  const ignored = new Figures();
  const warmUps = Math.min(4, Math.ceil(GiB / options.size));
  for (let run = -warmUps; run < options.runs && everyRun.length > 0; run++)
    await oneRun({ figures: run < 0 ? ignored : figures, cluster, client }, options.size, everyRun);
  const { large, size } = options;
  for (const name of Object.keys(once).filter((known) => chosen.has(known)))
    await oneRun({ figures, cluster, client }, name === 'memory' ? large : size, [name]);
};

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
await measureAll();
const { size: blobBytes, runs, caches } = options;
const unavailable = new Map(whyNoSendfile === undefined ? [] : [['sendfile', whyNoSendfile]]);
const outcome = { machine, blobBytes, runs, caches, figures, unavailable };
console.log(options.json ? asJson(outcome) : asText(outcome));
