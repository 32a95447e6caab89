import type { Setting } from './setting.ts';

/** What the host's files were before the install: what a plan is made from, so that a second install makes the same. */
export interface HostView {
  /** @throws RefusedError for what is no UTF-8 text */
  text(hostPath: string): Promise<string | undefined>;
  /** The files under a folder, at any depth, sorted. */
  files(folder: string): Promise<readonly string[]>;
}

export interface PlannedFile {
  readonly path: string;
  /** The whole file; the one that is there already when it needs no change. */
  readonly content: string;
  /** Set when the rest of the file is the operator's. */
  readonly setting?: Setting;
}

export interface Plan {
  readonly files: readonly PlannedFile[];
  /** What the operator should know, a sentence each. */
  readonly notes: readonly string[];
}

/** What is asked for; every field is validated. */
export interface Wanted {
  /** Base URL of the agent of the node, without a path: `http://127.0.0.1:7020`. */
  readonly agent: URL;
  /** Registry hosts (`ghcr.io`, `registry.example.com:5000`); undefined for all. */
  readonly registries: readonly string[] | undefined;
}
