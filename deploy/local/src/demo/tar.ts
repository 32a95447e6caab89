/**
 * The header of one regular file in a tar archive, 512 bytes, so that a generated layer is one that docker unpacks.
 * Source: POSIX.1-1988 "ustar" interchange format.
 */
export const tarHeader = (name: string, size: number): Buffer => {
  const header = Buffer.alloc(blockLength);
  header.write(name, 0, 100, 'latin1');
  header.write('0000644\0', 100, 'latin1');
  header.write('0000000\0', 108, 'latin1');
  header.write('0000000\0', 116, 'latin1');
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
  header.write('00000000000\0', 136, 'latin1');
  header.write('        ', 148, 'latin1');
  header.write('0', 156, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  const checksum = header.reduce((sum, byte) => sum + byte, 0);
  header.write(`${checksum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
};

const blockLength = 512;

/** What follows `size` bytes of content: zeros to the next block, then two empty blocks. */
export const tarTrailer = (size: number): Buffer =>
  Buffer.alloc(((blockLength - (size % blockLength)) % blockLength) + 2 * blockLength);

/** The whole archive of one file of `size` bytes; at most 8 GiB, the limit of the format. */
export const tarLength = (size: number): number => blockLength + size + tarTrailer(size).length;
