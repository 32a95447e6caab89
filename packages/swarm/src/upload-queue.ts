import type { UploadAction, UploadEvent, UploadLimits, UploadRank } from './upload-types.ts';

/**
 * All uploads of one process: rarest piece first, then the least complete requester; one or two transfers at once,
 * more only while the egress is under 90 % of the limit. Every WANT_ANY and every REQUEST passes through it.
 */
export declare class UploadQueue {
  constructor(options?: { limits?: Partial<UploadLimits>; rank?: UploadRank });
  handle(event: UploadEvent, nowMs: number): void;
  poll(): UploadAction | undefined;
  nextTimeoutMs(nowMs: number): number | undefined;
  /** Waiting requests and credits: the queue length that HAVE carries. */
  get length(): number;
  get active(): number;
}
