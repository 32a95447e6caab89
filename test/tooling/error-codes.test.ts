import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const root = path.join(import.meta.dirname, '../..');

/** `new ShoalError('CODE', 503`, `super('CODE', 503` in a class that extends it, or `['CODE', 503]` in a table of one. */
const raised = /(?:(?:new ShoalError|super)\(|\[)\s*'([A-Z][A-Z_]+)',\s*(\d{3})\b/g;

test('docs/ARCHITECTURE.md lists every error code with its status', () => {
  const files = globSync(['packages/*/src/**/*.ts', 'services/*/src/**/*.ts'], { cwd: root });
  const sources = files
    .filter((file) => !file.endsWith('.test.ts'))
    .map((file) => readFileSync(path.join(root, file), 'utf8'));
  const inCode = new Set(
    sources.flatMap((text) => [...text.matchAll(raised)].map(([, code, status]) => `${code} ${status}`)),
  );
  const document = readFileSync(path.join(root, 'docs/ARCHITECTURE.md'), 'utf8');
  const rows = document.matchAll(/^\| `([A-Z_]+)` \| (\d{3}) \|/gm);
  const documented = new Set([...rows].map(([, code, status]) => `${code} ${status}`));
  assert.ok(inCode.size > 10, 'the codes are found in the sources');
  assert.deepEqual([...documented].toSorted(), [...inCode].toSorted());
});
