import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { SocketFactory } from '../socket-factory.ts';
import { wire } from './wire.ts';

/** Sockets of the wire that is tested, which a test can get hold of. */
export const spiedSockets = (): SocketFactory & { readonly accepted: Socket[]; readonly dialled: Socket[] } => {
  const sockets = wire().sockets();
  const accepted: Socket[] = [];
  const dialled: Socket[] = [];
  return {
    accepted,
    dialled,
    secure: sockets.secure,
    namesOf: (socket) => sockets.namesOf(socket),
    listen(address, acceptor) {
      const spied = (socket: Socket): void => {
        accepted.push(socket);
        acceptor.accepted(socket);
      };
      return sockets.listen(address, { ...acceptor, accepted: spied });
    },
    connect(address, receive) {
      const socket = sockets.connect(address, receive);
      dialled.push(socket);
      return socket;
    },
  };
};

/** Ends it with a reset, or without a farewell of TLS, where a reset is not possible. */
export const breakOff = (socket: Socket): void => {
  if (socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
};
