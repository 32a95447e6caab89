export { detectSendfile } from './detect.ts';
export type { Sendfile } from './sendfile.ts';
