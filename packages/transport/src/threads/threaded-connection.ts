import type { ErrorCode, Message, Phase } from '@shoal/protocol';
import { type ConnectionOwner, faultOf } from '../connection.ts';
import type { DataConnection, Route, RouteSpan } from '../data-connection.ts';
import type { Command, LandedEvent, ThreadEvent } from './messages.ts';
import type { RouteKey, RouteLocks } from './route-locks.ts';

type Details<Of> = Of extends { readonly id: number } ? Omit<Of, 'id'> : never;

/** The thread that a connection lives in. */
export interface Home {
  readonly locks: RouteLocks;
  post(command: Command): void;
}

/** This thread's end of a connection that another thread receives on. */
export class ThreadedConnection implements DataConnection {
  owner: ConnectionOwner;
  heardMs: number;
  /** Not asked for: the other thread knows which frames may come. */
  phase: Phase = 'handshake';
  /** Such connections are plain TCP. */
  readonly certifiedIds = undefined;
  readonly socketClosed: Promise<void>;
  readonly #id: number;
  readonly #home: Home;
  readonly #clock: () => number;
  readonly #gone = Promise.withResolvers<void>();
  readonly #routes = new Map<number, { readonly key: RouteKey; readonly route: Route }>();
  #open = true;
  #reported = false;

  constructor(id: number, home: Home, owner: ConnectionOwner, clock: () => number) {
    this.#id = id;
    this.#home = home;
    this.owner = owner;
    this.#clock = clock;
    this.heardMs = clock();
    this.socketClosed = this.#gone.promise;
  }

  send(message: Message): void {
    if (this.#open) this.#post({ type: 'send', message });
  }

  refuse(code: ErrorCode, reason: string): void {
    if (!this.#open) return;
    this.#post({ type: 'refuse', code, reason });
    this.#report(reason);
  }

  destroy(reason: string): void {
    if (this.#open) this.#post({ type: 'destroy', reason });
    this.#report(reason);
  }

  pause(): void {
    this.#post({ type: 'pause' });
  }

  resume(): void {
    this.#post({ type: 'resume' });
  }

  route(span: RouteSpan): Route | undefined {
    const key = this.#open ? this.#home.locks.open() : undefined;
    if (!key) return undefined;
    const route: Route = {
      close: () => {
        if (this.#routes.get(key.slot)?.route !== route) return;
        this.#routes.delete(key.slot);
        this.#home.locks.close(key);
      },
    };
    this.#routes.set(key.slot, { key, route });
    this.#post({ type: 'route', key, span });
    return route;
  }

  /** What the other thread tells. */
  handle(event: ThreadEvent): void {
    if (event.type === 'gone') return this.lost('the connection closed');
    if (event.type === 'bytes') this.#post({ type: 'taken', bytes: event.bytes.length });
    if (!this.#open) return;
    this.heardMs = this.#clock();
    this.guard(() => this.#tell(event));
  }

  guard(handle: () => void): void {
    try {
      handle();
    } catch (error) {
      const { code, reason } = faultOf(error);
      this.#fault(code, reason);
    }
  }

  /** There is no such connection any more. */
  lost(reason: string): void {
    this.#report(reason);
    for (const { route } of this.#routes.values()) route.close();
    this.#gone.resolve();
  }

  #tell(event: Exclude<ThreadEvent, { type: 'gone' }>): void {
    const { data } = this.owner;
    switch (event.type) {
      case 'message':
        return this.owner.message(event.message);
      case 'landed':
        return this.#landed(event);
      case 'dropped':
        return data?.dataDropped?.(event.bytes);
      case 'begin':
        return data?.dataBegin(event.header);
      case 'bytes':
        return data?.dataBytes(event.bytes);
      case 'end':
        return data?.dataEnd();
      case 'fault':
        return this.#fault(event.code, event.reason);
      case 'closed':
        return this.#report(event.reason, event.refusal);
    }
  }

  /** What was on its way when its route was closed is of no use. */
  #landed({ key, header, digest, error }: LandedEvent): void {
    const { data } = this.owner;
    const open = this.#routes.get(key.slot);
    if (open?.key.turn !== key.turn) return data?.dataDropped?.(header.length);
    return data?.dataLanded?.({ route: open.route, header, digest, error: error && errorOf(error) });
  }

  #fault(code: ErrorCode, reason: string): void {
    if (this.owner.fault) this.owner.fault(code, reason);
    else this.refuse(code, reason);
  }

  #report(reason: string, refusal?: ErrorCode): void {
    this.#open = false;
    if (this.#reported) return;
    this.#reported = true;
    this.owner.closed(reason, refusal);
  }

  #post(command: Details<Command>): void {
    this.#home.post({ id: this.#id, ...command });
  }
}

/** Errors that are cloned lose their code. */
const errorOf = ({ message, code }: NonNullable<LandedEvent['error']>): Error =>
  Object.assign(new Error(message), { code });
