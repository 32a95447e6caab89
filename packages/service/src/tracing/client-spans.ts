import { channel } from 'node:diagnostics_channel';
import { context, propagation, type Span, SpanKind, SpanStatusCode, trace, type Tracer } from '@opentelemetry/api';
import { ended } from './ended-spans.ts';

/** What undici tells of a request. Source: undici, "Diagnostics Channel Support". */
interface UndiciRequest {
  readonly origin: string | URL;
  readonly method: string;
  readonly path: string;
  addHeader(name: string, value: string): void;
}

interface UndiciMessage {
  readonly request: UndiciRequest;
  readonly response?: { readonly statusCode: number };
  readonly error?: Error;
}

/** A span for each request of undici that is made while a request is answered, and its `traceparent` for the other side. */
export const traceClients = (tracer: Tracer): void => {
  const spans = new WeakMap<UndiciRequest, Span>();
  const on = (event: string, listener: (message: UndiciMessage) => void): void =>
    channel(`undici:request:${event}`).subscribe((message) => listener(message as UndiciMessage));
  const finish = (request: UndiciRequest, error?: Error): void => {
    const span = spans.get(request);
    if (error) span?.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
    span?.end();
    spans.delete(request);
  };
  on('create', ({ request }) => {
    const parent = trace.getActiveSpan();
    if (!parent || ended.has(parent)) return;
    const span = tracer.startSpan(request.method, { kind: SpanKind.CLIENT, attributes: attributesOf(request) });
    spans.set(request, span);
    propagation.inject(trace.setSpan(context.active(), span), request, {
      set: (carrier, name, value) => carrier.addHeader(name, value),
    });
  });
  on('headers', ({ request, response }) => {
    const span = spans.get(request);
    const status = response?.statusCode ?? 0;
    span?.setAttribute('http.response.status_code', status);
    if (status >= 400) span?.setStatus({ code: SpanStatusCode.ERROR });
  });
  on('trailers', ({ request }) => finish(request));
  on('error', ({ request, error }) => finish(request, error));
};

/** No query: those of storage and token servers hold what is secret. */
const attributesOf = ({ origin, method, path }: UndiciRequest) => {
  const url = new URL(path.split('?')[0] ?? '', origin);
  return {
    'http.request.method': method,
    'server.address': url.hostname,
    'server.port': Number(url.port) || (url.protocol === 'https:' ? 443 : 80),
    'url.full': url.href,
  };
};
