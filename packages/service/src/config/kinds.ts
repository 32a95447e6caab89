/**
 * The leaves of a configuration schema. Each is a schema, so that one value gives the TypeScript
 * type, the validation and the line in docs/CONFIGURATION.md; `x-kind` names what the text of the file or
 * of the environment is parsed as. The static type is that of the parsed value: `bytes()` is a number.
 */
import { parseAddress, parseBytes, parseDurationMs, Type } from '@shoal/core';
import type {
  Address,
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
} from '@shoal/core';

export type Kind = 'bytes' | 'duration' | 'address' | 'host' | 'port' | 'path' | 'secret' | 'url' | 'choice';

interface Described<Default> {
  /** One sentence for the reference: what it is for, not what type it has. */
  readonly description: string;
  /** Absent: the key is required, unless it is wrapped in `Type.Optional`. */
  readonly default?: Default;
}

interface Ranged {
  readonly min?: number | string;
  readonly max?: number | string;
}

/** Bytes: `262144`, `256KiB`, `1.5 GB`. */
export const bytes = (o: Described<number | string> & Ranged): TInteger =>
  Type.Integer({ ...described(o, 'bytes', parseBytes), ...range(o, parseBytes) });

/** Milliseconds: `1500`, `250ms`, `10s`, `5m`. */
export const durationMs = (o: Described<number | string> & Ranged): TInteger =>
  Type.Integer({ ...described(o, 'duration', parseDurationMs), ...range(o, parseDurationMs) });

/** `host:port` or `[IPv6]:port` of something to reach. */
export const address = (o: Described<string>): TUnsafe<Address> =>
  Type.Unsafe<Address>({
    type: 'object',
    properties: { host: { type: 'string' }, port: { type: 'integer' } },
    required: ['host', 'port'],
    ...described(o, 'address', parseAddress),
  } as TSchema);

/** A name or an address of one interface of this machine, or `0.0.0.0` / `::` for all. */
export const host = (o: Described<string>): TString =>
  Type.String({ ...described(o, 'host'), pattern: '^[0-9A-Za-z.:%_-]+$', maxLength: 255 });

/** A TCP port to listen on; 0 takes any free one. */
export const port = (o: Described<number>): TInteger =>
  Type.Integer({ ...described(o, 'port'), minimum: 0, maximum: 65_535 });

/** A file or folder; relative ones count from the working folder and are absolute once loaded. */
export const path = (o: Described<string>): TString => Type.String({ ...described(o, 'path'), minLength: 1 });

/** Text that stays out of logs and dumps. The key `<name>File` is accepted in its place: the path of a file that holds it. */
export const secret = (o: Described<never> & { readonly minLength?: number }): TString =>
  Type.String({ ...described(o, 'secret'), minLength: o.minLength ?? 1 });

/** An absolute URL without trailing slash; `hidden` when it may hold a password. */
export const url = (
  o: Described<string> & { readonly protocols?: readonly string[]; readonly hidden?: boolean },
): TString =>
  Type.String({
    ...described(o, 'url'),
    'x-protocols': o.protocols ?? ['http:', 'https:'],
    ...(o.hidden && { 'x-hidden': true }),
  });

export const text = (o: Described<string> & { readonly pattern?: string; readonly maxLength?: number }): TString =>
  Type.String({
    ...described(o),
    minLength: 1,
    maxLength: o.maxLength ?? 1024,
    ...(o.pattern && { pattern: o.pattern }),
  });

export const integer = (o: Described<number> & { readonly min?: number; readonly max?: number }): TInteger =>
  Type.Integer({ ...described(o), ...range(o, Number) });

export const number = (o: Described<number> & { readonly min?: number; readonly max?: number }): TNumber =>
  Type.Number({ ...described(o), ...range(o, Number) });

export const flag = (o: Described<boolean>): TBoolean => Type.Boolean(described(o));

export const choice = <const Values extends string[]>(
  values: readonly [...Values],
  o: Described<Values[number]>,
): TEnum<Values> => Type.Enum(values, described(o, 'choice'));

/** A list; of scalars it may be given in the environment with commas. */
export const list = <Item extends TSchema>(
  item: Item,
  o: Described<readonly unknown[]> & { readonly min?: number; readonly max?: number },
): TArray<Item> => Type.Array(item, { ...described(o), minItems: o.min ?? 0, maxItems: o.max ?? 1000 });

/** A group of keys. A section of which every key has a default may be left out altogether. */
export const section = <Keys extends TProperties>(
  keys: Keys,
  o: { readonly description?: string } = {},
): TObject<Keys> => Type.Object(keys, { ...o, additionalProperties: false });

const described = <Raw>(
  o: Described<Raw>,
  kind?: Kind,
  parse?: (raw: never, field?: string) => unknown,
): TSchemaOptions => ({
  description: o.description,
  ...(kind && { 'x-kind': kind }),
  ...(o.default !== undefined && { default: parse ? parse(o.default as never) : o.default, 'x-default': o.default }),
});

const range = (o: Ranged, parse: (raw: never) => number): object => ({
  minimum: o.min === undefined ? 0 : parse(o.min as never),
  ...(o.max !== undefined && { maximum: parse(o.max as never) }),
});
