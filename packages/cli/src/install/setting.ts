import { isDeepStrictEqual } from 'node:util';
import { applyEdits, modify } from 'jsonc-parser';
import { parse as parseToml } from 'smol-toml';
import { RefusedError } from '../errors.ts';
import { type LineChange, lineEnding } from './text.ts';

/** One setting of a configuration file that belongs to somebody else. */
export interface Setting {
  readonly format: 'toml' | 'json';
  readonly key: readonly string[];
}

export type Table = Record<string, unknown>;

export const isTable = (value: unknown): value is Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Error);

/** @throws RefusedError that names the file */
export const parseConfig = (format: Setting['format'], hostPath: string, text: string): Table => {
  const parsed = tryParse(format, text);
  if (isTable(parsed)) return parsed;
  const reason = parsed instanceof Error ? parsed.message.trim() : 'it holds no object';
  throw new RefusedError(`${hostPath} can't be read as ${format.toUpperCase()}: ${reason}`);
};

const tryParse = (format: Setting['format'], text: string): unknown => {
  try {
    return format === 'json' ? JSON.parse(text) : parseToml(text, { integersAsBigInt: 'asNeeded' });
  } catch (error) {
    return error;
  }
};

export const valueAt = (tree: unknown, key: readonly string[]): unknown =>
  key.reduce((value: unknown, part) => (isTable(value) && Object.hasOwn(value, part) ? value[part] : undefined), tree);

/** A copy without the setting and without the tables that are empty then. */
const without = (tree: unknown, [part, ...rest]: readonly string[]): unknown => {
  if (part === undefined) return undefined;
  if (!isTable(tree)) return tree;
  const { [part]: inner, ...others } = tree;
  const left = without(inner, rest);
  if (left === undefined || (isTable(left) && Object.keys(left).length === 0)) return others;
  return { ...others, [part]: left };
};

/** Whether `after` is a configuration that says `value` there and everywhere else the same as `before`. */
export const differsOnlyIn = ({ format, key }: Setting, before: string, after: string, value: unknown): boolean => {
  const [old, now] = [tryParse(format, before), tryParse(format, after)];
  return (
    isTable(old) &&
    isTable(now) &&
    isDeepStrictEqual(valueAt(now, key), value) &&
    isDeepStrictEqual(plain(without(old, key)), plain(without(now, key)))
  );
};

/** Spread gives tables a prototype, which those of the parser need not have. */
const plain = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(plain);
  if (!isTable(value) || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
};

/**
 * JSON text with the value there, or without it for undefined. The rest stays as it is written: the library's own
 * formatting would reach the lines around as well.
 */
export const setJson = (text: string, key: readonly string[], value: unknown): string => {
  const edits = modify(text, [...key], value, {});
  const indent = /\n([ \t]+)"/.exec(text)?.[1] ?? '  ';
  const eol = lineEnding(text);
  const onOwnLine = edits.map((edit) => {
    const [, comma, property] = /^(,?)(".*)$/s.exec(edit.content) ?? [];
    if (property === undefined || edit.length > 0) return edit;
    if (comma) return text.includes('\n') ? { ...edit, content: `,${eol}${indent}${property}` } : edit;
    return { ...edit, content: `${eol}${indent}${property}${eol}` };
  });
  return applyEdits(text, onOwnLine);
};

/**
 * Takes a change of ours out of a file that somebody has changed since, and leaves what they did.
 * Undefined when that is not possible for certain.
 */
export const revertSetting = (
  edit: Setting & LineChange,
  before: string | undefined,
  current: string,
): string | undefined => {
  const old = before === undefined ? undefined : valueAt(tryParse(edit.format, before), edit.key);
  const changed = edit.format === 'json' ? [setJson(current, edit.key, old)] : withoutLines(edit, current);
  return [current, ...changed].find((text) => differsOnlyIn(edit, current, text, old));
};

const withoutLines = ({ removed, inserted }: LineChange, current: string): string[] => {
  const parts = current.split(inserted);
  return inserted !== '' && parts.length === 2 ? [parts.join(removed)] : [];
};
