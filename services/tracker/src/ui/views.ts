/** What the live view is told, as JSON; the scripts of the page import these types. Times are milliseconds, rates bytes a second. */

/** A node in one swarm. In a delta only `id` and what has changed. */
export interface NodeView {
  /** The first digits of its peer id. */
  readonly id: string;
  readonly address: string;
  readonly zone: string;
  readonly role: 'agent' | 'origin';
  readonly have: number;
  readonly complete: boolean;
  /** A hex digit a part of the blob (protocol, heldParts); empty when the node sends no reports. */
  readonly held: string;
  /** Neighbours in the swarm, by id. */
  readonly peers: readonly string[];
  readonly origins: readonly string[];
  readonly degree: number;
  readonly down: number;
  readonly up: number;
  readonly bytes: Readonly<Record<'peers' | 'origins' | 'http' | 'discarded' | 'sent', number>>;
  readonly corrupt: number;
  readonly way: 'swarm' | 'http-missing' | 'http-any' | 'exhausted' | 'seed';
  readonly readers: number;
  /** When it joined, and when it had all; as the tracker's clock says. */
  readonly joinedMs: number;
  readonly doneMs: number | null;
  /** Since when nothing has arrived while something is missing. */
  readonly stillSinceMs: number | null;
  readonly heardMs: number;
  readonly load: LoadView | null;
}

/** The node as a whole. */
export interface LoadView {
  readonly down: number;
  readonly up: number;
  /** Configured limits; 0 is none. */
  readonly downMax: number;
  readonly upMax: number;
  readonly waiting: number;
  /** Share of the time that its event loop was not idle. */
  readonly busy: number;
}

export type NodeChange = { readonly id: string } & Partial<NodeView>;

export interface SwarmRow {
  readonly swarm: string;
  readonly digest: string;
  /** In bytes; 0 while unknown. */
  readonly size: number;
  readonly pieces: number;
  readonly nodes: number;
  readonly complete: number;
  readonly zones: number;
  readonly down: number;
  readonly up: number;
  /** Mean share that the nodes hold, 0 to 1. */
  readonly progress: number;
  readonly activeMs: number;
}

/** A node over all its swarms. */
export interface NodeRow {
  readonly id: string;
  readonly address: string;
  readonly zone: string;
  readonly role: 'agent' | 'origin';
  readonly swarms: number;
  /** Of its swarms those that it fetches. */
  readonly downloads: number;
  /** Null when it has not reported for a while. */
  readonly load: LoadView | null;
}

export interface Overview {
  readonly nowMs: number;
  readonly nodes: number;
  readonly downloading: number;
  readonly swarmCount: number;
  readonly down: number;
  readonly up: number;
  /** Of the swarms listed: bytes received since they were joined. */
  readonly bytes: { readonly peers: number; readonly origins: number; readonly http: number };
  /** The busiest. */
  readonly swarms: readonly SwarmRow[];
  /** Nodes and swarms that the view has no room for. */
  readonly hidden: number;
  /** Only what this tracker heard; others of the cluster heard more. */
  readonly partial: boolean;
  readonly reportMs: number;
}

/** What has changed in a swarm since the frame before; `whole` replaces all. */
export interface Frame {
  readonly atMs: number;
  readonly whole: boolean;
  readonly nodes: readonly NodeChange[];
  readonly gone: readonly string[];
}

export interface SwarmFrame extends Frame {
  /** Null: nobody is in the swarm any more. */
  readonly row: SwarmRow | null;
}

export interface RecordingRow {
  readonly id: string;
  readonly swarm: string;
  readonly digest: string;
  readonly size: number;
  readonly pieces: number;
  readonly nodes: number;
  readonly startedMs: number;
  readonly endedMs: number;
  readonly frames: number;
  readonly bytes: number;
  /** The end is missing: it was longer than a recording may be. */
  readonly cut: boolean;
}

export interface RecordingView extends RecordingRow {
  readonly shown: readonly Frame[];
}

export interface Found {
  readonly swarms: readonly SwarmRow[];
  readonly nodes: readonly FoundNode[];
}

export interface FoundNode {
  readonly id: string;
  readonly address: string;
  readonly zone: string;
  /** Its swarms, those it downloads first; at most 20. */
  readonly swarms: readonly SwarmRow[];
}
