import { ShoalError } from '@shoal/core';

/**
 * Why an upstream did not deliver:
 * - `absent`: it says that it has no such content
 * - `denied`: it does not give it to us with the credentials we have
 * - `limited`: it asks us to wait
 * - `unreachable`: no answer, or one of a server in trouble
 * - `invalid`: an answer that cannot be used: other content than its digest, a schema 1 manifest, a forbidden redirect
 */
export const upstreamFailures = ['absent', 'denied', 'limited', 'unreachable', 'invalid'] as const;

export type UpstreamFailure = (typeof upstreamFailures)[number];

const codes: Record<UpstreamFailure, readonly [code: string, status: number]> = {
  absent: ['UPSTREAM_ABSENT', 404],
  denied: ['UPSTREAM_DENIED', 404],
  limited: ['UPSTREAM_LIMITED', 502],
  unreachable: ['UPSTREAM_UNREACHABLE', 502],
  invalid: ['UPSTREAM_INVALID', 502],
};

/**
 * An upstream registry did not deliver. The message names the host and reaches clients; it holds no header, token or
 * query of a URL. A denial is a 404 to clients: a runtime then asks the upstream itself, with the pod's credentials.
 */
export class UpstreamError extends ShoalError {
  readonly failure: UpstreamFailure;
  /** How long the upstream asks to be left alone, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    failure: UpstreamFailure,
    message: string,
    options: { cause?: unknown; retryAfterMs?: number | undefined } = {},
  ) {
    const [code, status] = codes[failure];
    super(code, status, message, options);
    this.failure = failure;
    this.retryAfterMs = options.retryAfterMs;
  }

  /** Whether the same request may succeed in a moment. */
  get passing(): boolean {
    return this.failure === 'limited' || this.failure === 'unreachable';
  }
}
