export type { UpstreamBlob, UpstreamManifest } from './answers.ts';
export { type Credential, type CredentialSource, fixedCredential, keptCredential } from './credentials.ts';
export { dockerConfigCredential } from './docker-config.ts';
export { type AskedFor, Endpoint, type EndpointEvents, type EndpointOptions, type RegistryAnswer } from './endpoint.ts';
export { type RateLimit, retryAfterMs } from './rate-limit.ts';
export { dropBody, type UpstreamDeadlines } from './transport.ts';
export { UpstreamError, type UpstreamFailure, upstreamFailures } from './upstream-error.ts';
export * from './upstream-name.ts';
export { Upstream, type AskOptions } from './upstream.ts';
