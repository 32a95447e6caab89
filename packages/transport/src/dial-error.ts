import { ShoalError } from '@shoal/core';

/** A dial that gave no link; the message tells the address and the reason. */
export class DialError extends ShoalError {
  readonly reason: string;

  constructor(address: string, reason: string, cause?: unknown) {
    super('DIAL_FAILED', 502, `dial ${address}: ${reason}`, { cause });
    this.reason = reason;
  }
}
