export * from './bound.ts';
export * from './report.ts';
export * from './scenarios.ts';
export * from './world-options.ts';
export * from './world.ts';
