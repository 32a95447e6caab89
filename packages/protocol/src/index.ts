export * from './announce.ts';
export * from './hello.ts';
export * from './limits.ts';
export * from './messages.ts';
export * from './protocol-error.ts';
