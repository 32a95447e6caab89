/**
 * `node root-folder.ts ROOT OWN`: the file system of an image that runs nothing but Node.js. ROOT gets the program and
 * the libraries that it has loaded, at the paths that they have here, so it takes whatever base it is built on; OWN
 * gets the folders that the user of the image may write to.
 */
import { copyFileSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const [root, own] = process.argv.slice(2);
if (root === undefined || own === undefined) throw new Error('usage: node root-folder.ts ROOT OWN');

const copy = (from: string, to = from): void => {
  const target = path.join(root, to);
  mkdirSync(path.dirname(target), { recursive: true });
  copyFileSync(realpathSync(from), target);
};

const { sharedObjects } = process.report.getReport() as unknown as { readonly sharedObjects: readonly string[] };
for (const library of sharedObjects.filter((name) => path.isAbsolute(name))) copy(library);
copy(process.execPath, '/usr/local/bin/node');

for (const folder of ['data', 'tmp']) mkdirSync(path.join(own, folder), { recursive: true });
mkdirSync(path.join(root, 'etc'));
const files: Readonly<Record<string, string>> = {
  passwd: 'root:x:0:0:root:/:/nonexistent\nshoal:x:65532:65532:shoal:/data:/nonexistent\n',
  group: 'root:x:0:\nshoal:x:65532:\n',
  // Without it glibc asks the name server before it reads /etc/hosts.
  'nsswitch.conf': 'hosts: files dns\n',
};
for (const [name, text] of Object.entries(files)) writeFileSync(path.join(root, 'etc', name), text);
