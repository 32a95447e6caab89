export * from './config.ts';
export * from './upstream-set.ts';
