import { ShoalError } from '@shoal/core';
import type { ErrorCode } from '@shoal/protocol';

/** A dial that gave no link; the message tells the address and the reason. */
export class DialError extends ShoalError {
  readonly reason: string;
  /** What the peer refused with, if it was the peer. */
  readonly refusal: ErrorCode | undefined;

  constructor(address: string, reason: string, options: { refusal?: ErrorCode | undefined; cause?: unknown } = {}) {
    super('DIAL_FAILED', 502, `dial ${address}: ${reason}`, { cause: options.cause });
    this.reason = reason;
    this.refusal = options.refusal;
  }
}
