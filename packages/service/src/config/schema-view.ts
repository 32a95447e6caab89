import type { TSchema } from '@shoal/core';
import type { Kind } from './kinds.ts';

/** A schema as the loader and the reference read it. */
export interface SchemaView {
  readonly type?: string;
  readonly enum?: readonly (string | number)[];
  readonly anyOf?: readonly { readonly const?: unknown }[];
  readonly properties?: Readonly<Record<string, SchemaView>>;
  readonly required?: readonly string[];
  readonly items?: SchemaView;
  readonly patternProperties?: Readonly<Record<string, SchemaView>>;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly 'x-kind'?: Kind;
  readonly 'x-default'?: unknown;
  readonly 'x-protocols'?: readonly string[];
  readonly 'x-hidden'?: boolean;
}

export const viewOf = (schema: TSchema): SchemaView => schema as SchemaView;

/** Whether a schema groups keys (an address is an object too, but one value of the file). */
export const isSection = (view: SchemaView): boolean => view.properties !== undefined && view['x-kind'] === undefined;

/** Values of these keys are never printed. */
export const isHidden = (view: SchemaView): boolean => view['x-kind'] === 'secret' || view['x-hidden'] === true;

/** Whether a value of this schema, or what stands in its place by mistake, may hold a secret somewhere inside. */
export const holdsHidden = (view: SchemaView): boolean =>
  isHidden(view) ||
  [view.items, mapValues(view), ...Object.values(view.properties ?? {})].some(
    (inner) => inner !== undefined && holdsHidden(inner),
  );

/** The schema of a map's values: `Type.Record(Type.String(), values)`. */
export const mapValues = (view: SchemaView): SchemaView | undefined => Object.values(view.patternProperties ?? {})[0];

export interface Leaf {
  /** `registry.listenPort` */
  readonly key: string;
  readonly path: readonly string[];
  readonly view: SchemaView;
  /** Must be given: it has no default, and neither it nor a section around it is optional. */
  readonly required: boolean;
  /** A key made up by the loader: the file that holds the secret of this key. */
  readonly fileOf?: string;
}

/** Every key of a configuration that holds one value, in the order of the schema; secrets bring their `...File` key. */
export const leavesOf = (view: SchemaView, path: readonly string[] = [], optional = false): Leaf[] => {
  const leaves: Leaf[] = [];
  for (const [name, child] of Object.entries(view.properties ?? {})) {
    const childPath = [...path, name];
    const childOptional = optional || !(view.required ?? []).includes(name);
    if (isSection(child)) {
      leaves.push(...leavesOf(child, childPath, childOptional));
      continue;
    }
    const key = childPath.join('.');
    leaves.push({ key, path: childPath, view: child, required: !childOptional && child.default === undefined });
    if (child['x-kind'] === 'secret') leaves.push(secretFileLeaf(key, [...path, `${name}File`]));
  }
  return leaves;
};

const secretFileLeaf = (fileOf: string, path: readonly string[]): Leaf => ({
  key: path.join('.'),
  path,
  fileOf,
  required: false,
  view: { type: 'string', 'x-kind': 'path', minLength: 1, description: `File that holds \`${fileOf}\`, in its place.` },
});
