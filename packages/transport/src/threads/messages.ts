import type { Address } from '@shoal/core';
import type { DataHeader, ErrorCode, Message } from '@shoal/protocol';
import type { RouteSpan } from '../data-connection.ts';
import type { RouteKey } from './route-locks.ts';

/** What a thread is told when it starts. */
export interface ThreadSetup {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly lingerMs: number;
}

/** To a thread; `id` names a connection in it. */
export type Command = { readonly id: number } & (
  | { readonly type: 'dial'; readonly address: Address }
  | { readonly type: 'send'; readonly message: Message }
  | { readonly type: 'refuse'; readonly code: ErrorCode; readonly reason: string }
  | { readonly type: 'destroy'; readonly reason: string }
  | { readonly type: 'pause' | 'resume' }
  | { readonly type: 'route'; readonly key: RouteKey; readonly span: RouteSpan }
  /** So many bytes of `bytes` events have been dealt with. */
  | { readonly type: 'taken'; readonly bytes: number }
);

/** From a thread. Those of a connection are in the order in which it received what they tell of. */
export type ThreadEvent = { readonly id: number } & (
  | { readonly type: 'message'; readonly message: Message }
  | LandedEvent
  /** Payload that has no place: of a transfer that was cancelled. */
  | { readonly type: 'dropped'; readonly bytes: number }
  /** DATA without a route, handed on as it came. */
  | { readonly type: 'begin'; readonly header: DataHeader }
  | { readonly type: 'bytes'; readonly bytes: Uint8Array }
  | { readonly type: 'end' }
  | { readonly type: 'fault'; readonly code: ErrorCode; readonly reason: string }
  | { readonly type: 'closed'; readonly reason: string; readonly refusal: ErrorCode | undefined }
  /** No handle of it is left. */
  | { readonly type: 'gone' }
);

export interface LandedEvent {
  readonly id: number;
  readonly type: 'landed';
  readonly key: RouteKey;
  readonly header: DataHeader;
  readonly digest?: Uint8Array;
  readonly error?: { readonly message: string; readonly code: string | undefined };
}
