import { ShoalError } from '@shoal/core';

/** A peer broke the grammar: its connection is closed with `reason`. Nothing else leaves a decoder. */
export class ProtocolError extends ShoalError {
  readonly reason: string;

  constructor(reason: string) {
    super('PROTOCOL_ERROR', 400, reason);
    this.reason = reason;
  }
}
