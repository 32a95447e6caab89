export * from './dial-error.ts';
export * from './endpoint.ts';
export * from './endpoint-limits.ts';
export * from './endpoint-options.ts';
export * from './identity.ts';
export * from './link.ts';
export type { Log } from './log.ts';
export { type Listener, type Receive, type SocketFactory, tcpSockets } from './socket-factory.ts';
export * from './uplink.ts';
