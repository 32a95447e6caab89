import type { HostView, Plan, Wanted } from '../install/plan.ts';

/** The registry of an agent, for runtimes that say which registry they mean. */
export const agentRegistry = 'http://127.0.0.1:7020';

/** A container runtime whose mirror configuration shoal writes. */
export interface Runtime {
  readonly name: string;
  /** Whose files they are in the record: podman and CRI-O share theirs. */
  readonly owner: string;
  /** Where the agent listens for it, as docs/OPERATING.md configures agents. */
  readonly defaultAgent: string;
  /** Which registries it mirrors when none is named; undefined for all; 'none' where they have to be named. */
  readonly defaultRegistries: readonly string[] | undefined | 'none';
  /** What it can mirror instead of this registry, or undefined when it can mirror it. */
  refusal?(registry: string): string | undefined;
  /** What the files have to be. @throws RefusedError */
  plan(view: HostView, wanted: Wanted): Promise<Plan>;
  /** What the operator has to do after these files were changed, one step each. */
  todo(changed: readonly string[], by: 'install' | 'uninstall'): readonly string[];
}
