import { randomBytes } from 'node:crypto';
import { parseAddress, parsePeerId } from '@shoal/core';
import { Endpoint, type EndpointHandler } from '@shoal/transport';

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
export const connectPeer = async (parts: AsyncDisposableStack, address: string): Promise<void> => {
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
