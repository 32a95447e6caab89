import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { configurationDocument, documentFile } from './configuration-doc.ts';

test('docs/CONFIGURATION.md is what `npm run docs` writes', () => {
  assert.equal(readFileSync(documentFile, 'utf8'), configurationDocument());
});
