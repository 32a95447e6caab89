import { channel } from 'node:diagnostics_channel';
import {
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ended } from './ended-spans.ts';

const contexts = new WeakMap<FastifyRequest, Context>();

/** A span for each request of the fastify servers that are made from now on, below the caller's by `traceparent`. */
export const traceServers = (tracer: Tracer): void =>
  channel('fastify.initialization').subscribe((message) => {
    const { fastify } = message as { fastify: FastifyInstance };
    fastify.addHook('onRequest', (request, reply, next) => {
      const caller = propagation.extract(ROOT_CONTEXT, request.headers);
      const span = tracer.startSpan(
        nameOf(request),
        { kind: SpanKind.SERVER, attributes: attributesOf(request) },
        caller,
      );
      reply.raw.once('close', () => finish(span, reply));
      const own = trace.setSpan(caller, span);
      contexts.set(request, own);
      context.with(own, next);
    });
    // The parser of a body calls back from the socket, which knows nothing of the request's context.
    fastify.addHook('preHandler', (request, _reply, next) => context.with(contexts.get(request) ?? ROOT_CONTEXT, next));
  });

const nameOf = ({ method, routeOptions }: FastifyRequest): string => `${method} ${routeOptions.url ?? 'unknown'}`;

/** Source: OpenTelemetry, "Semantic conventions for HTTP spans". No query: it may hold what is secret. */
const attributesOf = ({ method, raw, routeOptions }: FastifyRequest) => ({
  'http.request.method': method,
  'http.route': routeOptions.url ?? '',
  'url.path': (raw.url ?? '').split('?')[0] ?? '',
});

const finish = (span: Span, { raw }: FastifyReply): void => {
  span.setAttribute('http.response.status_code', raw.statusCode);
  if (raw.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
  if (!raw.writableFinished) span.setStatus({ code: SpanStatusCode.ERROR, message: 'the answer ended short' });
  ended.add(span);
  span.end();
};
