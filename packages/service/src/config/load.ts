import type { Static, TObject, TSchema } from '@shoal/core';
import { applyEnvironment } from './apply-environment.ts';
import type { Conversion } from './convert.ts';
import { convert, isRecord, report } from './convert.ts';
import type { ConfigDefinition } from './definition.ts';
import type { LocatedProblem } from './error.ts';
import { ConfigError } from './error.ts';
import { keyText, pathOfPointer, valueAt, viewAt } from './paths.ts';
import type { ConfigPath } from './paths.ts';
import { holdsHidden, viewOf } from './schema-view.ts';
import { validator } from './validate.ts';
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
  if (problems.length === 0) problems.push(...checked(conversion, definition, config as Static<Schema>));
  if (problems.length > 0) throw new ConfigError(definition.service, problems);
  return config as Static<Schema>;
};

/** The problems of the rules across keys, with where each value stands. */
const checked = <Schema extends TObject>(
  { root, locate }: Conversion,
  { check }: ConfigDefinition<Schema>,
  config: Static<Schema>,
): LocatedProblem[] =>
  check(config).map((problem) => {
    const path = problem.key.split('.');
    const source = locate(path);
    return { ...problem, hidden: holdsHidden(viewAt(root, path)), ...(source !== undefined && { source }) };
  });

/** Reports what the schema refuses, once a key; keys that already have a problem are passed over. */
const reportMismatches = (c: Conversion, schema: TSchema, config: unknown, tree: unknown): void => {
  const reported = new Set(c.problems.map((problem) => problem.key));
  for (const error of validator(schema, true)(config)) {
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
