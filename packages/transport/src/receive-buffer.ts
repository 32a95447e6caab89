import { chunkBytesMax, dataHeaderBytes } from '@shoal/protocol';

let buffer: Uint8Array | undefined;

/**
 * The one buffer into which all dialled sockets of this thread receive: it stays in the CPU's cache, where a
 * buffer a socket would not. It holds one DATA frame of the longest chunk, so that reads that begin with such a frame end
 * with it and the chunk is hashed and written at once, in whole pages. Frames of other lengths are cut anywhere: to read
 * just to their ends takes more reads, and they cost more than is gained. Its bytes are only valid inside the receive callback,
 * which runs to its end before the next read. Not a Buffer, whose slice() would be a view where a handler expects a copy.
 */
export const receiveBuffer = (): Uint8Array => (buffer ??= new Uint8Array(dataHeaderBytes + chunkBytesMax));
