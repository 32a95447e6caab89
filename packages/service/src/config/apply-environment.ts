import { isRecord } from './convert.ts';
import { environmentName, environmentNames, isServiceLink } from './environment.ts';
import type { LocatedProblem } from './error.ts';
import { nearest } from './nearest.ts';
import { parseEnvironmentText } from './parse-leaf.ts';
import type { SchemaView } from './schema-view.ts';
import { holdsHidden } from './schema-view.ts';

/** Writes the variables that are set over the tree; gives back which key came from which variable. */
export const applyEnvironment = (
  service: string,
  root: SchemaView,
  tree: Record<string, unknown>,
  env: Readonly<Record<string, string | undefined>>,
  problems: LocatedProblem[],
): Map<string, string> => {
  const names = environmentNames(service, root);
  const prefix = `${environmentName(service, [])}_`;
  const applied = new Map<string, string>();
  for (const [name, raw] of Object.entries(env)) {
    if (!name.startsWith(prefix) || !raw) continue;
    const leaf = names.get(name);
    if (leaf) {
      applied.set(leaf.key, name);
      // A secret of the environment stands over either spelling of the file's.
      const other = leaf.fileOf ?? (leaf.view['x-kind'] === 'secret' ? `${leaf.key}File` : undefined);
      if (other && !env[environmentName(service, other.split('.'))]) setAt(tree, other.split('.'), undefined);
      setAt(tree, leaf.path, environmentValue(leaf.view, raw, leaf.key, name, problems));
    } else if (!isServiceLink(name)) {
      const guess = nearest(name, names.keys());
      problems.push({
        key: name,
        value: raw,
        hidden: true,
        unknown: true,
        allowed: guess ? `did you mean ${guess}?` : 'allowed are the variables that --help lists',
        source: 'environment',
      });
    }
  }
  return applied;
};

const environmentValue = (
  view: SchemaView,
  raw: string,
  key: string,
  name: string,
  problems: LocatedProblem[],
): unknown => {
  try {
    return parseEnvironmentText(view, raw);
  } catch {
    problems.push({
      key,
      value: raw,
      allowed: 'allowed is a list with commas, or a list or map as YAML in one line',
      source: name,
      hidden: holdsHidden(view),
    });
    return undefined;
  }
};

const setAt = (tree: Record<string, unknown>, path: readonly string[], value: unknown): void => {
  const [name = '', ...rest] = path;
  if (rest.length === 0) {
    if (value === undefined) delete tree[name];
    else tree[name] = value;
    return;
  }
  if (!isRecord(tree[name])) {
    if (value === undefined) return;
    tree[name] = {};
  }
  setAt(tree[name] as Record<string, unknown>, rest, value);
};
