import { allowedText } from './allowed.ts';
import { environmentName } from './environment.ts';
import type { LocatedProblem } from './error.ts';
import { nearest } from './nearest.ts';
import { keyText } from './paths.ts';
import type { ConfigPath } from './paths.ts';
import { parseLeaf, readSecretFile } from './parse-leaf.ts';
import type { SchemaView } from './schema-view.ts';
import { holdsHidden, isSection, leavesOf, mapValues } from './schema-view.ts';

/** What a conversion needs to know besides the value, and where it reports what is wrong. */
export interface Conversion {
  readonly service: string;
  readonly root: SchemaView;
  readonly locate: (path: ConfigPath) => string | undefined;
  readonly problems: LocatedProblem[];
}

/** The value of a configuration from the tree of a file: text parsed by kind, secrets read, defaults filled in, unknown keys reported and dropped. */
export const convert = (c: Conversion, view: SchemaView, raw: unknown, path: ConfigPath = []): unknown => {
  if (isSection(view)) return convertSection(c, view, raw ?? {}, path);
  if (view.type === 'array' && Array.isArray(raw))
    return raw.map((item, index) => convert(c, view.items ?? {}, item, [...path, index]));
  const values = mapValues(view);
  if (values && isRecord(raw))
    return Object.fromEntries(
      Object.entries(raw).map(([name, value]) => [name, convert(c, values, value, [...path, name])]),
    );
  try {
    return parseLeaf(view, raw);
  } catch {
    report(c, view, path, raw);
    return undefined;
  }
};

const convertSection = (c: Conversion, view: SchemaView, raw: unknown, path: ConfigPath): unknown => {
  if (!isRecord(raw)) {
    report(c, view, path, raw);
    return undefined;
  }
  const converted: Record<string, unknown> = {};
  const properties = view.properties ?? {};
  for (const [name, child] of Object.entries(properties)) {
    const value = child['x-kind'] === 'secret' ? secretValue(c, raw, name, path) : raw[name];
    const childPath = [...path, name];
    const needed = (view.required ?? []).includes(name);
    if (value !== undefined) converted[name] = convert(c, child, value, childPath);
    else if (child.default !== undefined)
      converted[name] = convert(c, child, structuredClone(child['x-default'] ?? child.default), childPath);
    else if (needed && isSection(child)) converted[name] = convert(c, child, {}, childPath);
    else if (needed) reportMissing(c, child, childPath);
  }
  for (const name of Object.keys(raw))
    if (!isKnown(properties, name)) reportUnknown(c, view, raw[name], [...path, name]);
  return converted;
};

/** Whether a name is a key of a section: one of its own, or the `...File` of one of its secrets. */
const isKnown = (properties: Readonly<Record<string, SchemaView>>, name: string): boolean =>
  Object.hasOwn(properties, name) || (name.endsWith('File') && properties[name.slice(0, -4)]?.['x-kind'] === 'secret');

const secretValue = (c: Conversion, raw: Record<string, unknown>, name: string, path: ConfigPath): unknown => {
  const file = raw[`${name}File`];
  if (file === undefined) return raw[name];
  const filePath = [...path, `${name}File`];
  const fail = (allowed: string): undefined => {
    c.problems.push({ key: keyText(filePath), value: file, allowed, ...sourceOf(c, filePath) });
    return undefined;
  };
  if (raw[name] !== undefined) return fail(`allowed is either ${name} or ${name}File, not both`);
  if (typeof file !== 'string') return fail('allowed is a path');
  try {
    return readSecretFile(file);
  } catch (error) {
    return fail(`allowed is a readable file that holds ${keyText([...path, name])}: ${(error as Error).message}`);
  }
};

export const report = (c: Conversion, view: SchemaView, path: ConfigPath, value: unknown): void => {
  c.problems.push({
    key: keyText(path),
    value: value ?? null,
    allowed: `allowed is ${allowedText(view)}`,
    hidden: holdsHidden(view),
    ...sourceOf(c, path),
  });
};

const reportMissing = (c: Conversion, view: SchemaView, path: ConfigPath): void => {
  const inList = path.some((part) => typeof part === 'number');
  const variable = inList ? '' : `, here or in ${environmentName(c.service, path as string[])}`;
  c.problems.push({
    key: keyText(path),
    value: undefined,
    allowed: `needed is ${allowedText(view)}${variable}`,
    ...(inList && sourceOf(c, path)),
  });
};

const reportUnknown = (c: Conversion, view: SchemaView, value: unknown, path: ConfigPath): void => {
  const name = String(path.at(-1));
  const siblings = Object.entries(view.properties ?? {}).flatMap(([key, child]) =>
    child['x-kind'] === 'secret' ? [key, `${key}File`] : [key],
  );
  const elsewhere = leavesOf(c.root).find((leaf) => leaf.path.at(-1) === name)?.key;
  const close = nearest(name, siblings);
  const guess = close ? keyText([...path.slice(0, -1), close]) : elsewhere;
  const allowed = `${guess ? `did you mean ${guess}? ` : ''}allowed here are ${siblings.join(', ')}`;
  c.problems.push({
    key: keyText(path),
    value: value ?? null,
    allowed,
    unknown: true,
    hidden: /secret|password|token/i.test(name),
    ...sourceOf(c, path),
  });
};

const sourceOf = (c: Conversion, path: ConfigPath): { source?: string } => {
  const source = c.locate(path);
  return source === undefined ? {} : { source };
};

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
