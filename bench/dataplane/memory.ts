import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { parseAddress, parsePeerId, formatAddress } from '@shoal/core';
import { Endpoint, type EndpointHandler } from '@shoal/transport';
import { Figures } from './figures.ts';
import { blobPath, type Round } from './round.ts';
import { push } from './transfers.ts';
import { residentBytes, resetPeak } from './usage.ts';

const connections = 40;
/** Until what the start left behind has been collected. */
const settleMs = 5000;

/** Resident memory of a fresh agent: idle with 40 peers, and at most while a large blob moves through it. */
export const memory = async (round: Round): Promise<void> => {
  const { cluster, figures, client, blob } = round;
  await push({ ...round, figures: new Figures() });
  // Stopping writes the compile cache, which the second start then finds.
  await (await cluster.freshAgent('first'))[Symbol.asyncDispose]();
  await using agent = await cluster.freshAgent('mover');
  await wait(settleMs);
  figures.add('memory-idle.MB', residentBytes(agent.pid, 'VmRSS') / 1e6);
  await using peers = new AsyncDisposableStack();
  for (let index = 0; index < connections; index++) await connectPeer(peers, formatAddress(agent.addresses['pieces']!));
  await wait(settleMs);
  figures.add(`memory-idle-${connections}-peers.MB`, residentBytes(agent.pid, 'VmRSS') / 1e6);
  await peers.disposeAsync();
  resetPeak(agent.pid);
  const complete = agent.logged('download complete', blob.digest);
  await client.run({ kind: 'fetch', base: agent.url('registry'), path: blobPath(blob.digest), connections: 1 });
  await complete;
  figures.add('memory-moving.MB', residentBytes(agent.pid, 'VmHWM') / 1e6);
};

const nothing = (): void => {};

const handler: EndpointHandler = {
  linkOpened: nothing,
  linkClosed: nothing,
  message: nothing,
  dataBegin: nothing,
  dataBytes: nothing,
  dataEnd: nothing,
  dataOpened: nothing,
  dataClosed: nothing,
};

/** A peer with both of its connections and no swarm. */
const connectPeer = async (parts: AsyncDisposableStack, address: string): Promise<void> => {
  const peerId = parsePeerId(randomBytes(20).toString('hex'));
  const identity = { peerId, incarnation: 1, role: 'agent', zone: '', clusterId: 'shoal', address: '' } as const;
  const { promise, resolve } = Promise.withResolvers<void>();
  const listen = { host: '127.0.0.1', port: 0 };
  const endpoint = parts.use(
    await Endpoint.listen({ identity, listen, handler: { ...handler, dataOpened: () => resolve() } }),
  );
  (await endpoint.dial(parseAddress(address))).openData();
  await promise;
};
