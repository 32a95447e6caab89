import type { Bitfield } from '@shoal/core';
import type { PeerRole } from '@shoal/swarm';

/** What members of a simulated swarm tell each other: the wire's messages, without the wire. */
export type SimMessage =
  | { readonly type: 'have'; readonly piece: number; readonly queueLength: number }
  | { readonly type: 'request'; readonly piece: number }
  | { readonly type: 'cancel'; readonly piece: number }
  | { readonly type: 'reject'; readonly piece: number }
  | { readonly type: 'wantAny'; readonly haveDelta: readonly number[]; readonly prefer: readonly number[] }
  | { readonly type: 'offer'; readonly piece: number }
  | { readonly type: 'refuse' }
  /** The first byte of a piece arrived, and the whole of it. */
  | { readonly type: 'dataBegin'; readonly piece: number }
  | { readonly type: 'data'; readonly piece: number; readonly corrupt: boolean };

/** A process of the simulated cluster. Numbers name nodes; a node's number is its PeerHandle everywhere. */
export interface SimNode {
  readonly id: number;
  readonly role: PeerRole;
  readonly zone: number;
  readonly cutOff: boolean;
  alive: boolean;
  member(blob: number): SimMember | undefined;
  members(): Iterable<SimMember>;
  /** The process is gone: nothing moves any more. */
  stop(): void;
}

/** A node in one swarm. */
export interface SimMember {
  readonly node: SimNode;
  readonly blob: number;
  readonly links: ReadonlySet<number>;
  /** Agents among the links, and dials under way. */
  readonly degree: number;
  dialling: number;
  readonly complete: boolean;
  have(): Bitfield;
  holds(piece: number): boolean;
  refuses(peer: number): boolean;
  linkUp(peer: number, role: PeerRole, have: Bitfield): void;
  linkDown(peer: number): void;
  receive(from: number, message: SimMessage): void;
}
