import { context, diag, DiagLogLevel, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { Log } from '../log.ts';
import { version } from '../version.ts';
import { traceClients } from './client-spans.ts';
import { samplerOf } from './sampler.ts';
import { traceServers } from './server-spans.ts';
import type { Tracing } from './start-tracing.ts';

const exportTimeoutMs = 5_000;

/** Spans of the process's HTTP servers and clients, sent by OTLP over HTTP. */
export const openTelemetry = (
  service: string,
  env: Readonly<Record<string, string | undefined>>,
  log: Log,
): Tracing => {
  logTroubles(log);
  const processor = new BatchSpanProcessor({
    exporter: new OTLPTraceExporter(),
    exportTimeoutMillis: exportTimeoutMs,
    scheduledDelayMillis: Number(env['OTEL_BSP_SCHEDULE_DELAY'] ?? 5000),
  });
  const own = resourceFromAttributes({ 'service.name': `shoal-${service}`, 'service.version': version });
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(own)
      .merge(detectResources({ detectors: [envDetector] })),
    sampler: samplerOf(env),
    spanProcessors: [processor],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
  const tracer = provider.getTracer('shoal', version);
  traceServers(tracer);
  traceClients(tracer);
  return { stop: () => provider.shutdown() };
};

/** A receiver that is away is one line of the log, not one a batch. */
const logTroubles = (log: Log): void => {
  let told = false;
  const error = (message: string): void => {
    log[told ? 'debug' : 'warn']({ reason: message.slice(0, 500) }, 'spans cannot be sent');
    told = true;
  };
  const nothing = (): void => undefined;
  diag.setLogger({ error, warn: nothing, info: nothing, debug: nothing, verbose: nothing }, DiagLogLevel.ERROR);
};
