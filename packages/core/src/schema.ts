import type { TSchema, Type as TypeBox } from 'typebox';

export type {
  Static,
  TArray,
  TBoolean,
  TEnum,
  TInteger,
  TNumber,
  TObject,
  TProperties,
  TSchema,
  TSchemaOptions,
  TString,
  TUnsafe,
} from 'typebox';

type Used =
  | 'Array'
  | 'Boolean'
  | 'Enum'
  | 'Integer'
  | 'Literal'
  | 'Null'
  | 'Number'
  | 'Object'
  | 'Optional'
  | 'Record'
  | 'String'
  | 'Union'
  | 'Unsafe';

const optionals = new WeakSet<object>();

const ofType =
  (type: string) =>
  (options?: object): object => ({ type, ...options });

/**
 * TypeBox's types over plain JSON Schema values (draft 7), which a schema is all that is left of at run time: loading
 * TypeBox itself would cost every process 683 modules and 31 MB.
 */
export const Type = {
  Boolean: ofType('boolean'),
  Integer: ofType('integer'),
  Null: ofType('null'),
  Number: ofType('number'),
  String: ofType('string'),
  Array: (items: TSchema, options?: object) => ({ type: 'array', items, ...options }),
  Enum: (values: readonly unknown[], options?: object) => ({ enum: [...values], ...options }),
  Literal: (value: unknown, options?: object) => ({ const: value, ...options }),
  Object: (properties: Readonly<Record<string, TSchema>>, options?: object) => {
    const required = Object.keys(properties).filter((name) => !optionals.has(properties[name] ?? {}));
    return { type: 'object', ...(required.length > 0 && { required }), properties, ...options };
  },
  Optional: (schema: TSchema) => {
    const optional = { ...schema };
    optionals.add(optional);
    return optional;
  },
  Record: (_key: TSchema, values: TSchema, options?: object) => ({
    type: 'object',
    patternProperties: { '^.*$': values },
    ...options,
  }),
  Union: (anyOf: readonly TSchema[], options?: object) => ({ anyOf, ...options }),
  Unsafe: (schema: TSchema) => schema,
} as unknown as Pick<typeof TypeBox, Used>;
