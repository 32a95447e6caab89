import type { Socket } from 'node:net';
import { type SocketFactory, tcpSockets } from '../socket-factory.ts';

/** TCP whose sockets a test can get hold of. */
export const spiedSockets = (): SocketFactory & { readonly accepted: Socket[]; readonly dialled: Socket[] } => {
  const accepted: Socket[] = [];
  const dialled: Socket[] = [];
  return {
    accepted,
    dialled,
    listen(address, onSocket, failed) {
      const spied = (socket: Socket): void => {
        accepted.push(socket);
        onSocket(socket);
      };
      return tcpSockets.listen(address, spied, failed);
    },
    connect(address, receive) {
      const socket = tcpSockets.connect(address, receive);
      dialled.push(socket);
      return socket;
    },
  };
};
