import type { Leaf, SchemaView } from './schema-view.ts';
import { leavesOf } from './schema-view.ts';

/**
 * The rule: `SHOAL_` + service + `_` + every part of the key joined by `_`, in upper case, with `_` before
 * each capital inside a part. `registry.listenPort` of the agent: `SHOAL_AGENT_REGISTRY_LISTEN_PORT`.
 * Parts of a list or a map have no variable of their own; the variable holds the whole of it.
 */
export const environmentName = (service: string, path: readonly string[]): string =>
  ['shoal', service, ...path].map(upperSnake).join('_');

const upperSnake = (part: string): string =>
  part
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toUpperCase();

/** Variable -> key. @throws Error when two keys would share one, or one belongs to Kubernetes. */
export const environmentNames = (service: string, view: SchemaView): Map<string, Leaf> => {
  const names = new Map<string, Leaf>();
  for (const leaf of leavesOf(view)) {
    const name = environmentName(service, leaf.path);
    const other = names.get(name);
    if (other)
      throw new Error(`schema of ${service}: ${leaf.key} and ${other.key} are both ${name} in the environment`);
    if (ofKubernetes(service, name))
      throw new Error(
        `schema of ${service}: ${leaf.key} is ${name}, which Kubernetes sets for a service named shoal-${service}`,
      );
    names.set(name, leaf);
  }
  return names;
};

/**
 * Kubernetes gives every pod variables for every Service of its namespace ("service links"): for one called
 * `shoal-agent` SHOAL_AGENT_PORT, SHOAL_AGENT_SERVICE_HOST and others. They are not meant for us.
 */
const ofKubernetes = (service: string, name: string): boolean =>
  new RegExp(`^SHOAL_${upperSnake(service)}${serviceLink}`).test(name);

const serviceLink = '_(?:SERVICE_(?:HOST|PORT(?:_[A-Z0-9_]+)?)|PORT(?:_\\d+_(?:TCP|UDP)(?:_(?:PORT|PROTO|ADDR))?)?)$';

/** Whether an unknown variable under our prefix comes from a Service such as `shoal-agent-metrics`. */
export const isServiceLink = (name: string): boolean => new RegExp(`^SHOAL_[A-Z0-9_]+${serviceLink}`).test(name);

/** The value of a list in the environment: `a,b` or a YAML flow list; of a map: a YAML flow map. */
export const isFlow = (raw: string): boolean => /^\s*[[{]/.test(raw);
