import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { it } from 'node:test';
import { counter, defineMetrics, gauge, histogram, secondsBuckets, sizeClassOf } from './define-metrics.ts';
import { createMetrics } from './metrics.ts';
import { secondsLate } from './process-metrics.ts';
import { requireTool } from '../../../test/support/external.ts';

const definition = defineMetrics('agent', {
  received: counter('received_bytes_total', 'Bytes received.', { source: ['peer', 'origin'] }),
  requests: counter('requests_total', 'Requests.', { api: ['registry', 'control'], status: 'HTTP status' }),
  cacheBytes: gauge('cache_bytes', 'Bytes cached.'),
  freeBytes: gauge('free_bytes', 'Bytes free.'),
  firstByte: histogram('first_byte_seconds', 'Time to the first byte.', secondsBuckets, { size: ['small', 'large'] }),
});

const exposition = async (): Promise<string> => {
  const metrics = createMetrics(definition, { version: '1.2.3' });
  const { made } = metrics;
  made.received.inc({ source: 'peer' }, 5);
  made.freeBytes.set(3);
  made.firstByte.observe({ size: 'small' }, 0.2);
  metrics.read({
    cacheBytes: async () => 7,
    freeBytes: () => {
      throw new Error('the disk does not answer');
    },
  });
  metrics.readReady(async () => true);
  const text = await metrics.registry.metrics();
  metrics.close();
  return text;
};

it('exposes metrics under the name of the service, and those of the process', async () => {
  const text = await exposition();
  for (const line of [
    'shoal_agent_received_bytes_total{source="peer"} 5',
    'shoal_agent_cache_bytes 7',
    'shoal_agent_first_byte_seconds_bucket{le="0.25",size="small"} 1',
    'shoal_agent_ready 1',
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

it('starts every series at zero whose label values are known, and no other', async () => {
  const text = await exposition();
  assert.match(text, /^shoal_agent_received_bytes_total\{source="origin"\} 0$/m);
  assert.match(text, /^shoal_agent_first_byte_seconds_count\{size="large"\} 0$/m);
  assert.doesNotMatch(text, /^shoal_agent_requests_total\{/m);
});

it('keeps the last value of a gauge that cannot be read, and gives all the others', async () => {
  assert.match(await exposition(), /^shoal_agent_free_bytes 3$/m);
});

it('names each class of sizes by its largest size', () => {
  const MiB = 1024 * 1024;
  assert.deepEqual([0, MiB, MiB + 1, 16 * MiB, 256 * MiB, 256 * MiB + 1].map(sizeClassOf), [
    '1MiB',
    '1MiB',
    '16MiB',
    '16MiB',
    '256MiB',
    'larger',
  ]);
});

it('counts only the delay of timers, not the 20 ms between them', () => {
  assert.equal(secondsLate(19.9e6), 0);
  assert.equal(secondsLate(50e6), 0.03);
});

it('keeps the metrics of two instances apart', async () => {
  const [one, other] = [createMetrics(definition), createMetrics(definition)];
  one.made.received.inc({ source: 'peer' });
  assert.match(await other.registry.metrics(), /^shoal_agent_received_bytes_total\{source="peer"\} 0$/m);
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
