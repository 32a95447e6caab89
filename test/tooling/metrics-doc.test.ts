import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { metricsDocument, metricsFile, metricsOf } from './metrics-doc.ts';

test('docs/METRICS.md is what `npm run docs` writes', () => {
  assert.equal(readFileSync(metricsFile, 'utf8'), metricsDocument(), 'it is out of date: npm run docs');
});

test('no label names content or a peer', () => {
  const labels = Object.values(metricsOf).flatMap((metrics) => metrics.flatMap((metric) => Object.keys(metric.labels)));
  const known = [
    'api',
    'by',
    'event',
    'from',
    'kind',
    'method',
    'node',
    'outcome',
    'reason',
    'route',
    'service',
    'size',
  ];
  assert.deepEqual(
    [...new Set(labels)].toSorted(),
    [...known, 'source', 'status', 'to', 'upstream', 'version'],
    'a new label needs a bounded number of values; then it belongs into this list',
  );
});
