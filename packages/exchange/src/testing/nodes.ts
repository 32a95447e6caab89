import { EventEmitter, once } from 'node:events';
import { after } from 'node:test';
import { formatAddress, parsePeerId, seededPrng } from '@shoal/core';
import type { PeerRole } from '@shoal/protocol';
import type { Download } from '../download.ts';
import type { DownloadEvents } from '../events.ts';
import type { DownloadBlob } from '../download-blob.ts';
import { detectSendfile } from '@shoal/transport/sendfile';
import { Exchange, type ExchangeOptions } from '../exchange.ts';
import { dataThreads } from './data-threads.ts';

let nodes = 0;
/** What lies in a file goes by it, and what lies in memory does not. */
const sendfile = await detectSendfile('auto');

/** An exchange on a free port of 127.0.0.1. */
export const startNode = (role: PeerRole, options: Partial<ExchangeOptions> = {}): Promise<Exchange> => {
  const number = ++nodes;
  const peerId = parsePeerId(number.toString(16).padStart(40, '0'));
  return Exchange.start({
    identity: { peerId, incarnation: 1, role, zone: '', clusterId: 'test', address: '' },
    listen: { host: '127.0.0.1', port: 0 },
    prng: seededPrng(number),
    dataThreads: dataThreads(),
    sendfile,
    ...options,
  });
};

/** `startNode` for one test file: its nodes are closed after its last test. */
export const nodesOfFile = (): typeof startNode => {
  const open: Exchange[] = [];
  after(() => Promise.all(open.map((exchange) => exchange.close())));
  return async (...args) => {
    const started = await startNode(...args);
    open.push(started);
    return started;
  };
};

/** How a tracker would name the node. */
export const entryOf = (
  node: Exchange,
): { peerId: Exchange['identity']['peerId']; address: string; role: PeerRole } => ({
  peerId: node.identity.peerId,
  address: formatAddress(node.address),
  role: node.identity.role,
});

export interface Running {
  readonly download: Download;
  readonly events: EventEmitter;
  /** Rejects when the download fails or the deadline passes. */
  readonly done: Promise<void>;
}

/** Starts a download and turns its events into an emitter: an awaited event needs no sleep. */
export const startDownload = (
  node: Exchange,
  blob: DownloadBlob,
  from: readonly Exchange[],
  timeoutMs = 20_000,
): Running => {
  const events = new EventEmitter();
  const forward =
    (name: keyof DownloadEvents) =>
    (...details: unknown[]): void =>
      void events.emit(name, ...details);
  const signal = AbortSignal.timeout(timeoutMs);
  const done = Promise.race([
    once(events, 'complete', { signal }),
    once(events, 'failed', { signal }).then(([error]) => Promise.reject(error as Error)),
  ]).then(() => undefined);
  done.catch(() => undefined);
  const on: DownloadEvents = {
    piece: forward('piece'),
    complete: forward('complete'),
    starved: forward('starved'),
    corrupt: forward('corrupt'),
    noSources: forward('noSources'),
    failed: forward('failed'),
  };
  const download = node.download(blob, { on });
  for (const source of from) download.addPeer(entryOf(source));
  return { download, events, done };
};
