export type { ColdFetch, ColdProvider, ColdSource } from './cold/cold-source.ts';
export { originConfig } from './config.ts';
export type { OriginConfig } from './config.ts';
export { Origin } from './service.ts';
export type { OriginAddresses, OriginOptions } from './service.ts';
