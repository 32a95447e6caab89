/**
 * `node root-folder.ts ROOT OWN`: the file system of an image that runs nothing but Node.js. ROOT gets the program and
 * the libraries that it has loaded, at the paths that they have here, so it takes whatever base it is built on; OWN
 * gets the folders that the user of the image may write to.
 */
import { copyFileSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const [root, own] = process.argv.slice(2);
if (root === undefined || own === undefined) throw new Error('usage: node root-folder.ts ROOT OWN');

const copy = (from: string, to = from): void => {
  const target = path.join(root, to);
  mkdirSync(path.dirname(target), { recursive: true });
  copyFileSync(realpathSync(from), target);
};

/**
 * A 64-bit ELF file up to the end of its last segment. Behind it are symbols and debug information, a fifth of Node.js,
 * and the table of sections, which no loader reads.
 */
const stripped = (elf: Buffer): Buffer => {
  const [is64Bit, isLittleEndian] = [elf[4] === 2, elf[5] === 1];
  if (!elf.subarray(0, 4).equals(Buffer.from('\x7fELF')) || !is64Bit || !isLittleEndian) return elf;
  const table = Number(elf.readBigUInt64LE(32));
  const [size, count] = [elf.readUInt16LE(54), elf.readUInt16LE(56)];
  const ends = Array.from({ length: count }, (_, index) => {
    const segment = table + index * size;
    return Number(elf.readBigUInt64LE(segment + 8) + elf.readBigUInt64LE(segment + 32));
  });
  elf.writeBigUInt64LE(0n, 40);
  elf.fill(0, 60, 64);
  return elf.subarray(0, Math.max(...ends));
};

const { sharedObjects } = process.report.getReport() as unknown as { readonly sharedObjects: readonly string[] };
for (const library of sharedObjects.filter((name) => path.isAbsolute(name))) copy(library);
const program = path.join(root, 'usr/local/bin/node');
mkdirSync(path.dirname(program), { recursive: true });
writeFileSync(program, stripped(readFileSync(realpathSync(process.execPath))), { mode: 0o755 });

for (const folder of ['data', 'tmp']) mkdirSync(path.join(own, folder), { recursive: true });
mkdirSync(path.join(root, 'etc'));
const files: Readonly<Record<string, string>> = {
  passwd: 'root:x:0:0:root:/:/nonexistent\nshoal:x:65532:65532:shoal:/data:/nonexistent\n',
  group: 'root:x:0:\nshoal:x:65532:\n',
  // Without it glibc asks the name server before it reads /etc/hosts.
  'nsswitch.conf': 'hosts: files dns\n',
};
for (const [name, text] of Object.entries(files)) writeFileSync(path.join(root, 'etc', name), text);
