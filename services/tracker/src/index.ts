export { trackerConfig } from './config.ts';
export type { TrackerConfig } from './config.ts';
export { Tracker } from './service.ts';
