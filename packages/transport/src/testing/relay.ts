import { once } from 'node:events';
import type net from 'node:net';
import type { Address } from '@shoal/core';
import { wire } from './wire.ts';

/** Decides when the slice of that number (from 0) of one direction goes on; slices, and the end, stay in order. */
export type Gate = (slice: number) => Promise<void>;

export const openGate: Gate = async () => {};

export interface Relay extends AsyncDisposable {
  readonly address: Address;
}

/** A network between dialer and listener that takes its time. */
export const relay = async (target: Address, toListener: Gate, toDialer: Gate): Promise<Relay> => {
  const sockets = new Set<net.Socket>();
  const server = wire().createServer({ allowHalfOpen: true }, (near) => {
    const far = wire().connect({ ...target, allowHalfOpen: true });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    }
    pump(near, far, toListener);
    pump(far, near, toDialer);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  return {
    address: { host: '127.0.0.1', port },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};

const pump = (from: net.Socket, to: net.Socket, gate: Gate): void => {
  let before = Promise.resolve();
  let slices = 0;
  const then = (next: () => void): void => {
    before = before.then(next, next);
  };
  from.on('data', (bytes) => {
    const slice = slices++;
    before = before.then(() => gate(slice));
    then(() => void to.write(bytes));
  });
  from.on('end', () => then(() => void to.end()));
  from.on('error', () => then(() => void to.destroy()));
};
