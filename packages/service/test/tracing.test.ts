import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SamplingDecision } from '@opentelemetry/sdk-trace';
import { ROOT_CONTEXT, SpanKind } from '@opentelemetry/api';
import { samplerOf } from '../src/tracing/sampler.ts';

const source = fileURLToPath(new URL('../src/tracing/start-tracing.ts', import.meta.url));

/** Starts tracing in a process of its own; gives back which modules of OpenTelemetry were loaded. */
const loaded = (env: Record<string, string>): string[] => {
  const script = `
    import { registerHooks } from 'node:module';
    const found = [];
    registerHooks({ resolve: (specifier, context, next) => {
      if (specifier.startsWith('@opentelemetry/')) found.push(specifier);
      return next(specifier, context);
    } });
    const { startTracing } = await import(${JSON.stringify(source)});
    const tracing = await startTracing('agent', process.env, { info() {}, warn() {}, debug() {} });
    await tracing?.stop();
    console.log(JSON.stringify({ found, tracing: tracing !== undefined }));
  `;
  const args = ['--input-type=module', '--eval', script];
  const { stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
  const { found, tracing } = JSON.parse(stdout || `{"error":${JSON.stringify(stderr)}}`) as {
    found: string[];
    tracing: boolean;
  };
  assert.equal(found.length > 0, tracing);
  return found;
};

test('the libraries of tracing are loaded only where spans have somewhere to go', () => {
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' };
  assert.deepEqual(loaded({ OTEL_SERVICE_NAME: 'mine' }), []);
  assert.deepEqual(loaded({ ...endpoint, OTEL_SDK_DISABLED: 'true' }), []);
  assert.deepEqual(loaded({ ...endpoint, OTEL_TRACES_EXPORTER: 'none' }), []);
  assert.ok(loaded(endpoint).includes('@opentelemetry/sdk-trace'));
});

test('the sampler is the one that the environment names', () => {
  const samples = (env: Record<string, string>): boolean => {
    const sampler = samplerOf(env);
    const { decision } = sampler.shouldSample(ROOT_CONTEXT, 'f'.repeat(32), 'a', SpanKind.SERVER, {}, []);
    return decision === SamplingDecision.RECORD_AND_SAMPLED;
  };
  assert.ok(samples({}));
  assert.ok(samples({ OTEL_TRACES_SAMPLER: 'always_on' }));
  assert.ok(!samples({ OTEL_TRACES_SAMPLER: 'always_off' }));
  assert.ok(!samples({ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' }));
  assert.ok(samples({ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '1' }));
});
