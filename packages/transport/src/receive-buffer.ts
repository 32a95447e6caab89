import { chunkBytesMax } from '@shoal/protocol';

let buffer: Buffer | undefined;

/**
 * The one buffer into which all dialled sockets of this thread receive: it stays in the CPU's cache, where a
 * buffer a socket would not. Its bytes are only valid inside the receive callback, which runs to its end
 * before the next read.
 */
export const receiveBuffer = (): Buffer => (buffer ??= Buffer.allocUnsafeSlow(chunkBytesMax));
