import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { ShoalError } from '@shoal/core';
import type { FastifyInstance } from 'fastify';
import { ociErrorBody } from './errors.ts';
import { endSocket } from './fin.ts';

/** Where a line about a malformed request goes; pino and fastify loggers fit. */
export interface ClientErrorLog {
  info(fields: object, message: string): void;
}

// See small-server.ts of packages/service: an import costs 4 MB.
const { STATUS_CODES } = process.getBuiltinModule('node:http');

/** A line about malformed requests at most this often: their number is up to whoever reaches the port. */
const logIntervalMs = 1_000;

/**
 * Answers what Node's HTTP server refuses before there is a request for a handler: headers too large or too slow, no
 * HTTP at all, no Host. The connection ends with the answer.
 */
export class ClientErrors {
  readonly #log: ClientErrorLog;
  readonly #clock: () => number;
  /** The last reply of a connection: one whose head is out cannot be followed by an error. */
  readonly #replies = new WeakMap<Socket, ServerResponse>();
  /** A parser that has failed fails again with all that still comes in. */
  readonly #refused = new WeakSet<Socket>();
  #loggedMs = -Infinity;
  #unlogged = 0;

  constructor(log: ClientErrorLog, clock = (): number => performance.now()) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Before all other hooks and routes. The server has to leave the check of the Host header to this. */
  install(app: FastifyInstance): void {
    app.addHook('onRequest', async ({ raw }, reply) => {
      this.#replies.set(raw.socket, reply.raw);
      if (raw.headers.host !== undefined || raw.httpVersion !== '1.1') return;
      void reply.header('connection', 'close');
      this.#logOne({ code: 'REQUEST_MALFORMED', reason: 'no Host', remote: raw.socket.remoteAddress });
      throw new ShoalError('REQUEST_MALFORMED', 400, 'the request has no Host header');
    });
  }

  /** Listens to the `clientError` event of a server. */
  readonly handle = (error: NodeJS.ErrnoException, socket: Socket): void => {
    if (this.#refused.has(socket)) return;
    this.#refused.add(socket);
    // Who is gone needs no answer, and is no news.
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
    const { status, code, message } = answers[error.code ?? ''] ?? malformed;
    this.#logOne({ code, reason: error.code ?? error.message, remote: socket.remoteAddress });
    const reply = this.#replies.get(socket);
    const inReply = reply?.headersSent === true && !reply.writableFinished;
    if (inReply || isTlsError(error)) return void socket.destroy();
    const body = ociErrorBody(code, message);
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Connection: close',
    ];
    endSocket(socket, `${head.join('\r\n')}\r\n\r\n${body}`);
  };

  #logOne(fields: object): void {
    const nowMs = this.#clock();
    if (nowMs - this.#loggedMs < logIntervalMs) {
      this.#unlogged++;
      return;
    }
    this.#log.info({ ...fields, ...(this.#unlogged > 0 && { unlogged: this.#unlogged }) }, 'malformed request refused');
    this.#loggedMs = nowMs;
    this.#unlogged = 0;
  }
}

const malformed = new ShoalError('REQUEST_MALFORMED', 400, 'this is no valid HTTP/1.1 request');

/** By the codes of Node's parser and server. */
const answers: Readonly<Record<string, ShoalError>> = {
  HPE_HEADER_OVERFLOW: new ShoalError('HEADERS_TOO_LARGE', 431, 'the headers of the request are larger than allowed'),
  HPE_CHUNK_EXTENSIONS_OVERFLOW: new ShoalError('BODY_TOO_LARGE', 413, 'the chunk extensions are larger than allowed'),
  ERR_HTTP_REQUEST_TIMEOUT: new ShoalError('REQUEST_TIMEOUT', 408, 'the headers of the request did not come in time'),
};

/** A handshake that failed: an answer in plain text would be no answer. */
const isTlsError = ({ code = '' }: NodeJS.ErrnoException): boolean => /^(?:ERR_SSL|ERR_TLS|EPROTO)/.test(code);
