import { ShoalError } from '@shoal/core';
import type { ErrorCode } from '@shoal/protocol';

interface DialErrorOptions {
  readonly refusal?: ErrorCode | undefined;
  readonly cause?: unknown;
  readonly local?: boolean;
}

/** A dial that gave no link; the message tells the address and the reason. */
export class DialError extends ShoalError {
  readonly reason: string;
  /** What the peer refused with, if it was the peer. */
  readonly refusal: ErrorCode | undefined;

  /** A limit of this node: it says nothing about the address. */
  readonly local: boolean;

  constructor(address: string, reason: string, options: DialErrorOptions = {}) {
    super('DIAL_FAILED', 502, `dial ${address}: ${reason}`, { cause: options.cause });
    this.reason = reason;
    this.refusal = options.refusal;
    this.local = options.local ?? false;
  }
}
