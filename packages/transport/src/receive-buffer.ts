import { chunkBytesMax, dataHeaderBytes } from '@shoal/protocol';

let buffer: Uint8Array | undefined;

/**
 * The one buffer into which all dialled sockets of this thread receive: it stays in the CPU's cache, where a
 * buffer a socket would not. It holds one DATA frame of a whole chunk, so that reads that begin with a frame end with
 * it and a chunk is hashed and written at once, in whole pages. Its bytes are only valid inside the receive callback,
 * which runs to its end before the next read. Not a Buffer, whose slice() would be a view where a handler expects a copy.
 */
export const receiveBuffer = (): Uint8Array => (buffer ??= new Uint8Array(dataHeaderBytes + chunkBytesMax));
