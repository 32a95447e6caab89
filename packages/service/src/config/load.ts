import type { Static, TObject, TSchema } from 'typebox';
import { Value } from 'typebox/value';
import type { Conversion } from './convert.ts';
import { convert, isRecord, report } from './convert.ts';
import type { ConfigDefinition } from './definition.ts';
import { environmentName, environmentNames, isServiceLink } from './environment.ts';
import type { LocatedProblem } from './error.ts';
import { ConfigError } from './error.ts';
import { nearest } from './nearest.ts';
import { keyText, pathOfPointer, valueAt, viewAt } from './paths.ts';
import type { ConfigPath } from './paths.ts';
import { parseEnvironmentText } from './parse-leaf.ts';
import type { SchemaView } from './schema-view.ts';
import { isHidden, viewOf } from './schema-view.ts';
import { readYamlFile } from './yaml-file.ts';

export interface ConfigSources {
  /** Path of a YAML file. */
  readonly file?: string | undefined;
  /** Environment; only variables under the service's prefix are looked at. An empty one counts as not set. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Values as a file would hold them (a partial tree), for tests and programs; they stand over the file and under the environment. */
  readonly values?: unknown;
}

/**
 * The validated configuration of a service: file, then values, then environment, then defaults.
 * @throws ConfigError that lists every problem found, each with key, value and what is allowed.
 */
export const loadConfig = <Schema extends TObject>(
  definition: ConfigDefinition<Schema>,
  sources: ConfigSources = {},
): Static<Schema> => {
  const root = viewOf(definition.schema);
  const raw = sources.file === undefined ? undefined : readYamlFile(definition.service, sources.file);
  const tree = merge(raw?.values ?? {}, sources.values ?? {});
  const problems: LocatedProblem[] = [];
  const fromEnvironment = applyEnvironment(definition.service, root, tree, sources.env ?? {}, problems);
  const locate = (path: ConfigPath): string | undefined =>
    fromEnvironment.get(path.filter((part) => typeof part === 'string').join('.')) ?? raw?.locate(path);
  const conversion: Conversion = { service: definition.service, root, locate, problems };
  const config = convert(conversion, root, tree);
  reportMismatches(conversion, definition.schema, config, tree);
  if (problems.length === 0)
    for (const problem of definition.check(config as Static<Schema>))
      problems.push({
        ...problem,
        ...located(locate, problem.key),
        hidden: isHidden(viewAt(root, problem.key.split('.'))),
      });
  if (problems.length > 0) throw new ConfigError(definition.service, problems);
  return config as Static<Schema>;
};

const located = (locate: (path: ConfigPath) => string | undefined, key: string): { source?: string } => {
  const source = locate(key.split('.'));
  return source === undefined ? {} : { source };
};

/** Writes the variables that are set over the tree; gives back which key came from which variable. */
const applyEnvironment = (
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
        allowed: `it is an unknown variable${guess ? `, did you mean ${guess}?` : ''}`,
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
      hidden: isHidden(view),
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

/** Reports what the schema refuses, once a key; keys that already have a problem are passed over. */
const reportMismatches = (c: Conversion, schema: TSchema, config: unknown, tree: unknown): void => {
  const reported = new Set(c.problems.map((problem) => problem.key));
  for (const error of Value.Errors(schema, config)) {
    if (error.keyword === 'required') continue;
    const path = pathOfPointer(error.instancePath);
    const key = keyText(path);
    if ([...reported].some((other) => other === key || other.startsWith(`${key}.`) || other.startsWith(`${key}[`)))
      continue;
    reported.add(key);
    report(c, viewAt(c.root, path), path, valueAt(tree, path) ?? valueAt(config, path));
  }
};

const merge = (under: Record<string, unknown>, over: unknown): Record<string, unknown> => {
  const merged = { ...under };
  for (const [name, value] of Object.entries(isRecord(over) ? over : {})) {
    const below = merged[name];
    merged[name] = isRecord(value) ? merge(isRecord(below) ? below : {}, value) : value;
  }
  return merged;
};
