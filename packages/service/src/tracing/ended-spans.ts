import type { Span } from '@opentelemetry/api';

/**
 * Spans of requests that were answered. Timers keep the context that they were set in: what they do when the request is
 * long over belongs to no trace.
 */
export const ended = new WeakSet<Span>();
