/**
 * Gives the memory of a chunk that nobody needs any more back at once: the collector would let 64 MiB of them gather, and then
 * mark its whole heap, every 64 MiB of a body. Only memory that belongs to the chunk alone, as that of Node's sockets does.
 */
export const releaseChunk = ({ buffer, byteLength }: Uint8Array): void => {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
};
