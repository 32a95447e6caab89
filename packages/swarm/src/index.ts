export * from './handout.ts';
export * from './leech-types.ts';
export * from './leech.ts';
export * from './peer.ts';
export * from './super-seed-types.ts';
export * from './super-seed.ts';
export * from './upload-queue.ts';
export * from './upload-types.ts';
