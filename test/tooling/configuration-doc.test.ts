import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { configurationDocument, documentFile } from './configuration-doc.ts';

test('docs/CONFIGURATION.md is what `npm run docs` writes', () => {
  const written = readFileSync(documentFile, 'utf8').split('\n');
  const generated = configurationDocument().split('\n');
  const stale = generated.findIndex((line, index) => line !== written[index]);
  assert.equal(written[stale], generated[stale], `line ${stale + 1} is out of date: npm run docs`);
  assert.equal(written.length, generated.length);
});
