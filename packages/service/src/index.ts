export * from './config/kinds.ts';
export {
  baseSections,
  checkAdvertised,
  checkBase,
  listener,
  logLevels,
  peerTlsFiles,
  sendfileKey,
  tlsFiles,
} from './config/sections.ts';
export type { BaseConfig } from './config/sections.ts';
export { defineConfig } from './config/definition.ts';
export type { ConfigDefinition, ConfigProblem } from './config/definition.ts';
export { ConfigError } from './config/error.ts';
export { loadConfig } from './config/load.ts';
export type { ConfigSources } from './config/load.ts';
export { environmentName } from './config/environment.ts';
export { describeConfig } from './config/describe.ts';
export { redactConfig } from './config/redact.ts';
export { createLogger, silentLog } from './log.ts';
export type { Log } from './log.ts';
export {
  counter,
  defineMetrics,
  gauge,
  histogram,
  secondsBuckets,
  sizeClasses,
  sizeClassOf,
} from './define-metrics.ts';
export type { ServiceMetrics } from './define-metrics.ts';
export { describeMetrics } from './describe-metrics.ts';
export type { DescribedMetric } from './describe-metrics.ts';
export { createMetrics } from './metrics.ts';
export { Tally } from './tally.ts';
export type { Metrics } from './metrics.ts';
export { folderRoom } from './folder-room.ts';
export { adminPaths, openApiPath } from './openapi/admin-paths.ts';
export { openApiDocument } from './openapi/document.ts';
export type { Operation, Paths } from './openapi/document.ts';
export { serveOpenApi } from './openapi/serve.ts';
export { HttpPool, request } from './http/http-pool.ts';
export { releaseChunk } from './http/release-chunk.ts';
export { ListenError, listening } from './http/listen.ts';
export { AdminServer } from './http/admin-server.ts';
export type { ReadinessCheck } from './http/readiness.ts';
export { DebugServer } from './http/debug-server.ts';
export type { DebugDump } from './http/debug-server.ts';
export { ClusterAuthError, clusterAuth, unsignedBody } from './auth/cluster-auth.ts';
export type { ClusterAuth } from './auth/cluster-auth.ts';
export { proofHeaders, requireClusterAuth } from './auth/fastify-hook.ts';
export { ClusterAnswerError, clusterFetch, clusterFetchJson, readBytes } from './auth/cluster-fetch.ts';
export type { ClusterAnswer, ClusterFetchOptions } from './auth/cluster-fetch.ts';
export { followTls } from './follow-tls.ts';
export { TlsFileError, clientTls, loadAuthorities, serverTls } from './tls.ts';
export type { TlsFiles } from './tls.ts';
export { runService } from './run/run-service.ts';
export type { RunningService, StartContext } from './run/run-service.ts';
export type { ReadyMessage } from './run/ready.ts';
export { version } from './version.ts';
export { schemaCheck, schemaParser } from './http/schema-parser.ts';
