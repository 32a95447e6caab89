export * from './hash.ts';
export * from './rendezvous.ts';
export * from './ring.ts';
