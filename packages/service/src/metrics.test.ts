import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { it } from 'node:test';
import { createMetrics, secondsBuckets } from './metrics.ts';
import { secondsLate } from './process-metrics.ts';
import { requireTool } from '../../../test/support/external.ts';

const exposition = async (): Promise<string> => {
  const metrics = createMetrics('agent', { version: '1.2.3' });
  metrics.counter('received_bytes_total', { help: 'Bytes received.', labels: ['source'] }).inc({ source: 'peer' }, 5);
  metrics.gauge('cache_bytes', { help: 'Bytes cached.', collect: async () => 7 });
  metrics.histogram('first_byte_seconds', { help: 'Time to the first byte.', buckets: secondsBuckets }).observe(0.2);
  const text = await metrics.registry.metrics();
  metrics.close();
  return text;
};

it('exposes metrics under the name of the service, and those of the process', async () => {
  const text = await exposition();
  for (const line of [
    'shoal_agent_received_bytes_total{source="peer"} 5',
    'shoal_agent_cache_bytes 7',
    'shoal_agent_first_byte_seconds_bucket{le="0.25"} 1',
    `shoal_build_info{service="agent",version="1.2.3",node="${process.version}"} 1`,
  ]) {
    assert.ok(text.includes(`${line}\n`), `${line} is not in\n${text}`);
  }
  for (const name of [
    'process_cpu_seconds_total',
    'process_resident_memory_bytes',
    'nodejs_eventloop_lag_p99_seconds',
  ]) {
    assert.match(text, new RegExp(`^${name} \\d`, 'm'));
  }
});

it('counts only the delay of timers, not the 20 ms between them', () => {
  assert.equal(secondsLate(19.9e6), 0);
  assert.equal(secondsLate(50e6), 0.03);
});

it('keeps the metrics of two instances apart', async () => {
  const [one, other] = [createMetrics('agent'), createMetrics('agent')];
  one.counter('pulls_total', { help: 'Pulls.' }).inc();
  other.counter('pulls_total', { help: 'Pulls.' });
  assert.match(await other.registry.metrics(), /^shoal_agent_pulls_total 0$/m);
  one.close();
  other.close();
});

it('passes promtool check metrics', { skip: requireTool('promtool') }, async () => {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: await exposition(),
    encoding: 'utf8',
  });
  assert.equal(status, 0, stdout + stderr);
});
