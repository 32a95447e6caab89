import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MetricsSnapshot } from './metrics.ts';

const text = `# HELP shoal_agent_received_bytes_total Bytes received
# TYPE shoal_agent_received_bytes_total counter
shoal_agent_received_bytes_total{source="peer"} 1000
shoal_agent_received_bytes_total{source="origin",zone="a\\"b"} 24
shoal_agent_cache_bytes 1.5e+3
`;

test('samples are summed over the labels that are not named', () => {
  const metrics = new MetricsSnapshot(text);
  assert.equal(metrics.sum('shoal_agent_received_bytes_total'), 1024);
  assert.equal(metrics.sum('shoal_agent_received_bytes_total', { source: 'peer' }), 1000);
  assert.equal(metrics.sum('shoal_agent_cache_bytes'), 1500);
  assert.equal(metrics.sum('shoal_agent_received_bytes_total', { source: 'http' }), 0);
});

test('a metric that is not exported is told apart from one that is zero', () => {
  const metrics = new MetricsSnapshot('a_total 0\n');
  assert.equal(metrics.has('a_total'), true);
  assert.equal(metrics.has('b_total'), false);
});
