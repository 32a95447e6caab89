import type { ServerResponse } from 'node:http';

/** How long a peer may take to close its side after our FIN. */
const lingerMs = 2_000;

/**
 * Ends an unfinished reply with FIN. The rest of the request is read and dropped meanwhile: closing a socket with
 * unread input makes the kernel send RST.
 */
export const endWithFin = (raw: ServerResponse): void => {
  const { socket } = raw;
  if (!socket || socket.destroyed) return;
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
  socket.resume();
  socket.end();
};
