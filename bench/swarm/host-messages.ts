import type { Address } from '@shoal/core';

/** What a process of agents is told, as its first message. */
export interface HostSpec {
  readonly count: number;
  /** Each agent's cache is a folder in it. */
  readonly folder: string;
  readonly origin: string;
  readonly tracker: string;
  /** Upload and download limit of each agent, bytes/s; 0: none. */
  readonly rate: number;
  /** What an agent can expect to get: its limit, or its part of what this machine carries; bytes/s. */
  readonly expectedRate: number;
  readonly verbose: boolean;
}

/** Where one agent can be asked. */
export interface AgentAddresses {
  readonly registry: Address;
  readonly admin: Address;
  readonly debug: Address;
}

/** All agents are up and have met the origin, or one could not start; then each that has the whole blob, by the clock (ms since the epoch). */
export type HostAnswer =
  | { readonly type: 'ready'; readonly emptyRssBytes: number; readonly agents: readonly AgentAddresses[] }
  | { readonly type: 'complete'; readonly index: number; readonly atMs: number }
  | { readonly type: 'failed'; readonly reason: string };

/** The second message: every agent leaves as a stopping process does, and the process ends. */
export const stopMessage = 'stop';
