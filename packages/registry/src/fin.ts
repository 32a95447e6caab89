import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** How long a peer may take to close its side after our FIN. */
const lingerMs = 2_000;

/**
 * Ends an unfinished reply with FIN. The rest of the request is read and dropped meanwhile: closing a socket with
 * unread input makes the kernel send RST.
 */
export const endWithFin = ({ socket }: ServerResponse): void => {
  if (socket && !socket.destroyed) endSocket(socket);
};

/** Sends the last bytes of a connection, if there are any, and FIN; what still comes in is read and dropped. */
export const endSocket = (socket: Socket, last = ''): void => {
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
  socket.resume();
  socket.end(last);
};
