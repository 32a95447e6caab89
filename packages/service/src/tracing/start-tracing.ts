import type { Log } from '../log.ts';

export interface Tracing {
  /** Sends what is left, within seconds. */
  stop(): Promise<void>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Where spans are to be sent to; empty without tracing. Source: OpenTelemetry, "Environment Variable Specification". */
const isWanted = (env: Environment): boolean =>
  env['OTEL_SDK_DISABLED'] !== 'true' &&
  env['OTEL_TRACES_EXPORTER'] !== 'none' &&
  [env['OTEL_EXPORTER_OTLP_ENDPOINT'], env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']].some((url) => Boolean(url));

/**
 * Tracing by OpenTelemetry where the environment names a receiver (`OTEL_EXPORTER_OTLP_ENDPOINT`). Its libraries are
 * loaded only then. Has to be called before the servers are made.
 */
export const startTracing = async (service: string, env: Environment, log: Log): Promise<Tracing | undefined> => {
  if (!isWanted(env)) return undefined;
  const { openTelemetry } = await import('./open-telemetry.ts');
  log.info({}, 'tracing');
  return openTelemetry(service, env, log);
};
