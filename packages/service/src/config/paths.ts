import type { SchemaView } from './schema-view.ts';
import { mapValues } from './schema-view.ts';

/** Where a value stands in a tree: names of keys, and indexes in lists. */
export type ConfigPath = readonly (string | number)[];

/** `trackers[0].host` */
export const keyText = (path: ConfigPath): string =>
  path.map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`)).join('');

/** The path of a JSON pointer (RFC 6901), as the validator names places. */
export const pathOfPointer = (pointer: string): (string | number)[] =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part.replaceAll('~1', '/').replaceAll('~0', '~')));

export const valueAt = (value: unknown, path: ConfigPath): unknown =>
  path.reduce<unknown>((at, part) => (isContainer(at) ? at[part] : undefined), value);

const isContainer = (value: unknown): value is Record<string | number, unknown> =>
  typeof value === 'object' && value !== null;

export const viewAt = (view: SchemaView, path: ConfigPath): SchemaView =>
  path.reduce<SchemaView>(
    (at, part) => (typeof part === 'number' ? at.items : (at.properties?.[part] ?? mapValues(at))) ?? {},
    view,
  );
