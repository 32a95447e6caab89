import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { MiB, parsePeerId } from '@shoal/core';
import { chunkBytesMax } from '@shoal/protocol';
import { Endpoint, type EndpointHandler, type EndpointLimits, type Link } from '@shoal/transport';
import type { Scenario } from './round.ts';

export const megabytesPerSecond = [2, 10, 100, 500];
/** The limit is that of a process, so it has to hold over several peers. */
const peers = 2;
const pieceBytes = 4 * MiB;
export const settleMs = 500;
const windowMsMin = 1500;
/** A chunk more or less at the ends of the window is then 1 % of it. */
const windowBytesMin = 100 * chunkBytesMax;

/** `rate`: the expected one in bytes a second; 0: unknown. */
export const windowMsFor = (rate: number): number =>
  Math.max(windowMsMin, rate === 0 ? 0 : (windowBytesMin / rate) * 1000);

const limitNames = { upload: 'uploadBytesPerSecondMax', download: 'downloadBytesPerSecondMax' } as const;

/** How exactly an endpoint holds its limits, both sides in this process; no piece is hashed or stored. */
export const limits: Scenario = async ({ figures }) => {
  for (const side of ['upload', 'download'] as const) {
    for (const rate of megabytesPerSecond) {
      const { bytesPerSecond } = await flow(side, { [limitNames[side]]: rate * 1e6 }, rate * 1e6);
      figures.add(`limit-${side}-${rate}MBps.ratio`, bytesPerSecond / (rate * 1e6));
    }
  }
  for (const [name, bytesPerSecondMax] of [
    ['none', 0],
    ['unreached', 1e12],
  ] as const) {
    const both = { [limitNames.upload]: bytesPerSecondMax, [limitNames.download]: bytesPerSecondMax };
    const { bytesPerSecond, cpuPerGB } = await flow('upload', both, 0);
    figures.add(`limit-${name}.MBps`, bytesPerSecond / 1e6);
    figures.add(`limit-${name}.cpuPerGB`, cpuPerGB);
  }
};

interface Flow {
  readonly bytesPerSecond: number;
  /** Of sender and receiver together. */
  readonly cpuPerGB: number;
}

/** Bytes flow between a limited endpoint and several others as fast as they may. `rate`: the expected one; 0: unknown. */
const flow = async (side: 'upload' | 'download', limited: Partial<EndpointLimits>, rate: number): Promise<Flow> => {
  await using parts = new AsyncDisposableStack();
  const arrivals = new Arrivals();
  const one = await listen(parts, arrivals, limited);
  for (let index = 0; index < peers; index++) {
    const other = await listen(parts, arrivals, {});
    const [sender, receiver] = side === 'upload' ? [one, other] : [other, one];
    const toSender = await receiver.endpoint.dial(sender.endpoint.address);
    toSender.openData();
    await receiver.opened(toSender);
    for (const link of sender.links) if (link.remote.peerId === receiver.endpoint.identity.peerId) keepSending(link);
  }
  await wait(settleMs);
  const cpu = process.cpuUsage();
  arrivals.begin();
  await wait(windowMsFor(rate));
  const { bytes, seconds } = arrivals.seen;
  const { user, system } = process.cpuUsage(cpu);
  return { bytesPerSecond: bytes / seconds, cpuPerGB: ((user + system) / 1e6 / bytes) * 1e9 };
};

/** Bytes from the first arrival to the last, and the time between the two: the ends of a window cut no chunk then. */
export class Arrivals {
  #bytes = 0;
  #firstMs: number | undefined;
  #lastMs = 0;

  begin(): void {
    this.#firstMs = undefined;
    this.#bytes = 0;
  }

  take(bytes: number): void {
    this.#lastMs = performance.now();
    if (this.#firstMs === undefined) this.#firstMs = this.#lastMs;
    else this.#bytes += bytes;
  }

  get seen(): { bytes: number; seconds: number } {
    return { bytes: this.#bytes, seconds: (this.#lastMs - (this.#firstMs ?? this.#lastMs)) / 1000 };
  }
}

interface Node {
  readonly endpoint: Endpoint;
  readonly links: readonly Link[];
  /** When the data connection of a link stands. */
  opened(link: Link): Promise<void>;
}

const nothing = (): void => {};

const listen = async (
  parts: AsyncDisposableStack,
  arrivals: Arrivals,
  limits: Partial<EndpointLimits>,
): Promise<Node> => {
  const links: Link[] = [];
  const waiting = new Map<Link, () => void>();
  const handler: EndpointHandler = {
    linkOpened: (link) => void links.push(link),
    linkClosed: nothing,
    message: nothing,
    dataBegin: nothing,
    dataBytes: (_link, bytes) => arrivals.take(bytes.length),
    dataEnd: nothing,
    dataOpened: (link) => waiting.get(link)?.(),
    dataClosed: nothing,
  };
  const peerId = parsePeerId(randomBytes(20).toString('hex'));
  const identity = { peerId, incarnation: 1, role: 'agent', zone: '', clusterId: 'shoal', address: '' } as const;
  const at = { host: '127.0.0.1', port: 0 };
  const endpoint = parts.use(await Endpoint.listen({ identity, listen: at, handler, limits }));
  const opened = (link: Link): Promise<void> =>
    new Promise((resolve) => (link.dataReady ? resolve() : waiting.set(link, resolve)));
  return { endpoint, links, opened };
};

/** Two pieces at a time, one after the other, until the connection is gone. */
const keepSending = (link: Link): void => {
  let piece = 0;
  const send = (): void =>
    void link.uplink?.start({
      channel: 1,
      piece: piece++ % 1000,
      offset: 0,
      length: pieceBytes,
      reader: { readInto: (buffer) => buffer.length },
      onEnd: (ok) => {
        if (ok) send();
      },
    });
  send();
  send();
};
