/**
 * `node prune.ts NODE_MODULES`: removes from installed packages what no program loads: types, source maps, documents,
 * tests. Licences stay.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: node prune.ts NODE_MODULES');

const unloaded = /\.(d\.[cm]?ts|map|md)$/;
const licence = /licen[cs]e|notice/i;
const unloadedFolders = new Set(['test', 'tests', 'docs', 'benchmark', 'benchmarks', 'example', 'examples', '.github']);

// Links lead to the workspace's own packages and are not followed.
for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
  const { name, parentPath } = entry;
  const whole = entry.isDirectory() && unloadedFolders.has(name) && existsSync(path.join(parentPath, 'package.json'));
  if (whole || (entry.isFile() && unloaded.test(name) && !licence.test(name))) {
    rmSync(path.join(parentPath, name), { recursive: true, force: true });
  }
}
