export * from './announce.ts';
export * from './cluster.ts';
export { decodeHelloFields, encodeHelloFields, type ConnectionKind, type HelloFields, type PeerRole } from './hello.ts';
export * from './frame-decoder.ts';
export * from './lease.ts';
export * from './limits.ts';
export * from './messages.ts';
export * from './protocol-error.ts';
export { dataHeaderBytes, encodeDataHeader, encodeMessage, type Phase } from './wire.ts';
