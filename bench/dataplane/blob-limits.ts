import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { Bitfield, type BlobCut, formatAddress, MiB, parseDigest, parsePeerId } from '@shoal/core';
import { type DownloadBlob, Exchange, type ExchangeLimits } from '@shoal/exchange';
import { PieceHasher } from '@shoal/store';
import { Arrivals, megabytesPerSecond, settleMs, windowMsFor } from './limits.ts';
import type { Scenario } from './round.ts';

const limitNames = { upload: 'blobUploadBytesPerSecondMax', download: 'blobDownloadBytesPerSecondMax' } as const;
/** The limit is that of a blob, so it has to hold over several peers. */
const peers = 2;
const pieceLength = MiB;

/** How exactly an exchange holds the limits of a blob, both sides in this process; pieces are hashed and stored nowhere. */
export const blobLimits: Scenario = async ({ figures }) => {
  for (const side of ['upload', 'download'] as const)
    for (const rate of megabytesPerSecond)
      figures.add(`limit-blob-${side}-${rate}MBps.ratio`, (await flow(side, rate * 1e6)) / (rate * 1e6));
};

/** Bytes a second of one blob, from one limited uploader to several peers, or from several to one limited downloader. */
const flow = async (side: 'upload' | 'download', rate: number): Promise<number> => {
  await using parts = new AsyncDisposableStack();
  const arrivals = new Arrivals();
  const windowMs = windowMsFor(rate);
  const metainfo = zeros(rate * ((settleMs + windowMs) / 1000) * 2);
  const limited = { [limitNames[side]]: rate };
  const start = async (limits: Partial<ExchangeLimits>): Promise<Exchange> => parts.use(await startNode(limits));
  const count = side === 'upload' ? [1, peers] : [peers, 1];
  const seeds = await Promise.all(Array.from({ length: count[0]! }, () => start(side === 'upload' ? limited : {})));
  for (const seed of seeds) seed.seed({ metainfo, readInto }, 'peer');
  const leeches = await Promise.all(Array.from({ length: count[1]! }, () => start(side === 'upload' ? {} : limited)));
  for (const leech of leeches) {
    const download = leech.download(new Nowhere(metainfo, side, arrivals));
    for (const { identity, address } of seeds)
      download.addPeer({ peerId: identity.peerId, address: formatAddress(address), role: 'agent' });
  }
  await wait(settleMs);
  arrivals.begin();
  await wait(windowMs);
  const { bytes, seconds } = arrivals.seen;
  return bytes / seconds;
};

const startNode = (limits: Partial<ExchangeLimits>): Promise<Exchange> => {
  const peerId = parsePeerId(randomBytes(20).toString('hex'));
  return Exchange.start({
    identity: { peerId, incarnation: 1, role: 'agent', zone: '', clusterId: 'shoal', address: '' },
    listen: { host: '127.0.0.1', port: 0 },
    limits: { ...limits, closeTimeoutMs: 100 },
  });
};

const readInto = (buffer: Uint8Array): number => buffer.fill(0).length;

const zeros = (bytes: number): BlobCut => {
  const hasher = new PieceHasher();
  hasher.update(new Uint8Array(pieceLength));
  const hash = hasher.finish();
  const pieceHashes = Array.from({ length: Math.ceil(bytes / pieceLength) }, () => hash);
  const digest = parseDigest(`sha256:${randomBytes(32).toString('hex')}`);
  return { digest, size: pieceHashes.length * pieceLength, leafAlgorithm: 'sha256', pieceLength, pieceHashes };
};

/** Keeps nothing. An upload limit holds chunk by chunk; one of a download by whole pieces, so that these are counted. */
class Nowhere implements DownloadBlob {
  readonly metainfo: BlobCut;
  readonly have: Bitfield;
  readonly #side: 'upload' | 'download';
  readonly #arrivals: Arrivals;
  readonly readInto = readInto;

  constructor(metainfo: BlobCut, side: 'upload' | 'download', arrivals: Arrivals) {
    this.metainfo = metainfo;
    this.have = new Bitfield(metainfo.pieceHashes.length);
    this.#side = side;
    this.#arrivals = arrivals;
  }

  writeSync(bytes: Uint8Array): void {
    if (this.#side === 'upload') this.#arrivals.take(bytes.length);
  }

  markPiece(piece: number): void {
    this.have.set(piece);
    if (this.#side === 'download') this.#arrivals.take(pieceLength);
  }
}
