import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MiB } from '@shoal/core';
import { OtlpReceiver, type ReceivedSpan } from '../support/otlp-receiver.ts';
import { FakeUpstream } from '../support/upstream/fake-upstream.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const runtimeSpan = 'b7ad6b7169203331';

/** For the processes of a cluster, which inherit the environment that is there when cluster.ts is loaded. */
const withEnvironment = async <T>(values: Readonly<Record<string, string>>, work: () => Promise<T>): Promise<T> => {
  Object.assign(process.env, values);
  try {
    return await work();
  } finally {
    for (const name of Object.keys(values)) delete process.env[name];
  }
};

test('one trace leads from the request of a runtime to the upstream registry', { timeout: 300_000 }, async () => {
  await using receiver = await OtlpReceiver.start();
  await using upstream = await FakeUpstream.start();
  const { layers } = upstream.addImage('team/app', '1', [2 * MiB]);
  const asked: { path: string; traceparent: string }[] = [];
  upstream.misbehave = ({ headers }, _reply, url) => {
    asked.push({ path: url.pathname, traceparent: String(headers['traceparent']) });
    return false;
  };
  const registries = [{ host: 'registry.example.com', url: upstream.url, insecure: true }];
  const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_RESOURCE_ATTRIBUTES: 'cluster=test' };
  const pull = async (agent: string, path: string): Promise<void> => {
    const traceparent = `00-${traceId}-${runtimeSpan}-01`;
    const answer = await fetch(`${agent}/v2/registry.example.com/team/app${path}`, { headers: { traceparent } });
    assert.equal(answer.status, 200, `${path}: ${await answer.clone().text()}`);
    await answer.arrayBuffer();
  };
  await withEnvironment(environment, async () => {
    const { testCluster } = await import('../support/cluster.ts');
    await using world = await testCluster({ agents: 1, overrides: { origin: { upstreams: { registries } } } });
    const [agent] = world.cluster.agents;
    assert.ok(agent);
    await pull(agent.url, '/manifests/1');
    await pull(agent.url, `/blobs/${layers[0]}`);
  });

  // What is left is sent when a process stops, so all spans are here.
  const { spans } = receiver;
  const ofTrace = spans.filter((span) => span.traceId === traceId);
  const byId = new Map(ofTrace.map((span) => [span.spanId, span]));
  /** From the span of a request to an upstream back to where the trace came from. */
  const wayTo = (spanId: string): ReceivedSpan[] => {
    const span = byId.get(spanId);
    return span ? [...wayTo(span.parentSpanId), span] : [];
  };
  for (const part of ['/manifests/', '/blobs/']) {
    const { traceparent = '' } = asked.find(({ path }) => path.includes(part)) ?? {};
    const [, trace, parent = ''] = traceparent.split('-');
    assert.equal(trace, traceId, `the upstream was asked for ${part} with traceparent ${traceparent}`);
    const way = wayTo(parent);
    assert.deepEqual(
      way.map(({ service, kind }) => `${service} ${kind}`),
      ['shoal-agent server', 'shoal-agent client', 'shoal-origin server', 'shoal-origin client'],
    );
    assert.equal(way[0]?.parentSpanId, runtimeSpan);
  }
  const served = ofTrace.filter(({ service, kind }) => service === 'shoal-agent' && kind === 'server');
  assert.deepEqual(
    served.map(({ attributes }) => attributes['http.response.status_code']),
    [200, 200],
  );
  const urls = spans.flatMap(({ attributes }) => [attributes['url.full'] ?? '', attributes['url.path'] ?? '']);
  assert.deepEqual(
    urls.filter((url) => String(url).includes('?')),
    [],
    'a query may hold what is secret',
  );
});
