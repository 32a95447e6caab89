import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { type Address, parsePeerId, type PeerId } from '@shoal/core';
import type { ControlMessage, DataHeader } from '@shoal/protocol';
import { Endpoint } from '../endpoint.ts';
import type { EndpointHandler, EndpointOptions } from '../endpoint-options.ts';
import type { NodeIdentity } from '../identity.ts';
import type { Link } from '../link.ts';
import { wire } from './wire.ts';

/** A test that waits longer than this has failed. */
export const patienceMs = 8000;

export interface Frame {
  readonly header: DataHeader;
  ended: boolean;
}

/** Writes down what an endpoint reports, and lets a test wait until something has been. */
export class Recorder implements EndpointHandler {
  readonly opened: Link[] = [];
  readonly closed: { readonly link: Link; readonly reason: string }[] = [];
  readonly messages: ControlMessage[] = [];
  readonly dataClosures: string[] = [];
  readonly frames: Frame[] = [];
  /** Payload by `channel/piece`, when `keep` is set. */
  readonly payloads = new Map<string, { at: number; bytes: Uint8Array }[]>();
  readonly log: string[] = [];
  keep = false;
  dataOpenings = 0;
  payloadBytes = 0;
  onMessage: ((link: Link, message: ControlMessage) => void) | undefined;
  onFrame: ((frame: Frame) => void) | undefined;
  #offset = 0;
  readonly #changes = new EventEmitter().setMaxListeners(0);

  linkOpened(link: Link): void {
    this.opened.push(link);
    this.changed();
  }

  linkClosed(link: Link, reason: string): void {
    this.closed.push({ link, reason });
    this.changed();
  }

  message(link: Link, message: ControlMessage): void {
    this.messages.push(message);
    this.onMessage?.(link, message);
    this.changed();
  }

  dataOpened(): void {
    this.dataOpenings++;
    this.changed();
  }

  dataClosed(_link: Link, reason: string): void {
    this.dataClosures.push(reason);
    this.changed();
  }

  dataBegin(_link: Link, header: DataHeader): void {
    this.frames.push({ header, ended: false });
    this.#offset = header.offset;
  }

  dataBytes(_link: Link, bytes: Uint8Array): void {
    this.payloadBytes += bytes.length;
    if (this.keep) {
      const { channel, piece } = this.frames.at(-1)!.header;
      const key = `${channel}/${piece}`;
      const parts = this.payloads.get(key) ?? [];
      this.payloads.set(key, parts);
      parts.push({ at: this.#offset, bytes: new Uint8Array(bytes) });
    }
    this.#offset += bytes.length;
  }

  dataEnd(): void {
    const frame = this.frames.at(-1)!;
    frame.ended = true;
    this.onFrame?.(frame);
    this.changed();
  }

  changed(): void {
    this.#changes.emit('change');
  }

  async until(what: string, condition: () => boolean): Promise<void> {
    const signal = AbortSignal.timeout(patienceMs);
    try {
      while (!condition()) await once(this.#changes, 'change', { signal });
    } catch {
      assert.fail(`never happened: ${what}; closed: ${this.closed.map(({ reason }) => reason).join(', ')}`);
    }
  }
}

export interface TestNode extends AsyncDisposable {
  readonly endpoint: Endpoint;
  readonly seen: Recorder;
  readonly address: Address;
  readonly peerId: PeerId;
  dial(other: TestNode): Promise<Link>;
}

export type NodeParts = Omit<Partial<EndpointOptions>, 'identity'> & { readonly identity?: Partial<NodeIdentity> };

export const identity = (parts: Partial<NodeIdentity> = {}): NodeIdentity => ({
  peerId: parsePeerId(randomBytes(20).toString('hex')),
  incarnation: 1,
  role: 'agent',
  zone: '',
  clusterId: 'test',
  address: '',
  ...parts,
});

/** An endpoint on a free port of 127.0.0.1 with a recorder. */
export const startNode = async ({ identity: parts, ...options }: NodeParts = {}): Promise<TestNode> => {
  const seen = new Recorder();
  const note = (fields: object, message: string): void => {
    seen.log.push(`${message} ${JSON.stringify(fields)}`);
    seen.changed();
  };
  const endpoint = await Endpoint.listen({
    listen: { host: '127.0.0.1', port: 0 },
    handler: seen,
    sockets: wire().sockets(),
    log: { debug: note, info: note, warn: note },
    ...options,
    identity: identity(parts),
  });
  return {
    endpoint,
    seen,
    address: endpoint.address,
    peerId: endpoint.identity.peerId,
    dial: (other) => endpoint.dial(other.address),
    [Symbol.asyncDispose]: () => endpoint.close(),
  };
};

/** Two nodes, and the link between them as each has it; `down` has dialled. */
export const linkedPair = async (parts: { up?: NodeParts; down?: NodeParts } = {}): Promise<LinkedPair> => {
  const up = await startNode(parts.up);
  const down = await startNode(parts.down);
  const downLink = await down.dial(up);
  await up.seen.until('a link', () => up.seen.opened.length === 1);
  return {
    up,
    down,
    upLink: up.seen.opened[0]!,
    downLink,
    async [Symbol.asyncDispose]() {
      await Promise.all([up.endpoint.close(), down.endpoint.close()]);
    },
  };
};

export interface LinkedPair extends AsyncDisposable {
  readonly up: TestNode;
  readonly down: TestNode;
  /** How the uploader has the link. */
  readonly upLink: Link;
  /** How the downloader has it. */
  readonly downLink: Link;
}

/** The same with the downloader's data connection open. */
export const dataPair = async (parts: { up?: NodeParts; down?: NodeParts } = {}): Promise<LinkedPair> => {
  const pair = await linkedPair(parts);
  pair.downLink.openData();
  await pair.down.seen.until('a data connection', () => pair.downLink.dataReady);
  assert.ok(pair.upLink.uplink);
  return pair;
};
