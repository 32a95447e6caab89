import { ShoalError } from '@shoal/core';
import type { ErrorCode } from '@shoal/protocol';

/** Thrown while a frame is handled: the connection is closed, and the peer told why. */
export class Refusal extends ShoalError {
  readonly refusal: ErrorCode;

  constructor(refusal: ErrorCode, reason: string) {
    super('CONNECTION_REFUSED', 403, reason);
    this.refusal = refusal;
  }
}
