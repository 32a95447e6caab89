import { GiB, KiB, MiB } from '@shoal/core';
import type { SchemaView } from './schema-view.ts';
import { mapValues } from './schema-view.ts';

/** What a key accepts, in words that follow "allowed is". */
export const allowedText = (view: SchemaView): string => {
  const range = rangeText(view);
  switch (view['x-kind']) {
    case 'bytes':
      return `a size such as 1048576, 256KiB or 1.5GB${range}`;
    case 'duration':
      return `a duration such as 250ms, 10s or 5m${range}`;
    case 'address':
      return 'host:port or [IPv6]:port, with a port from 1 to 65535';
    case 'host':
      return 'an IPv4 or IPv6 address or a host name';
    case 'port':
      return 'a port from 0 (any free one) to 65535';
    case 'path':
      return 'a path';
    case 'secret':
      return `text of at least ${view.minLength ?? 1} characters`;
    case 'url':
      return `a URL with ${(view['x-protocols'] ?? []).map((protocol) => `${protocol}//`).join(' or ')}${view['x-hidden'] ? '' : ', without a user and password'}`;
    default:
      return plainText(view, range);
  }
};

const plainText = (view: SchemaView, range: string): string => {
  const choices = view.enum ?? view.anyOf?.map((choice) => choice.const);
  if (choices?.every((value) => value !== undefined)) return `one of ${choices.join(', ')}`;
  if (view.type === 'boolean') return 'true or false';
  if (view.type === 'integer') return `a whole number${range}`;
  if (view.type === 'number') return `a number${range}`;
  if (view.type === 'array') return `a list${countText(view)}${view.items ? ` of: ${allowedText(view.items)}` : ''}`;
  if (view.type === 'string') return `text${view.pattern ? ` that matches ${view.pattern}` : ''}${lengthText(view)}`;
  const values = mapValues(view);
  if (values) return `a map of names to: ${allowedText(values)}`;
  return `a section with the keys ${Object.keys(view.properties ?? {}).join(', ')}`;
};

const rangeText = (view: SchemaView): string => {
  const { minimum, maximum } = view;
  if (maximum !== undefined) return ` from ${quantity(view, minimum ?? 0)} to ${quantity(view, maximum)}`;
  return minimum === undefined || minimum === 0 ? '' : ` of at least ${quantity(view, minimum)}`;
};

const countText = ({ minItems = 0, maxItems }: SchemaView): string =>
  minItems > 0 ? ` of ${minItems} to ${maxItems} entries` : '';

const lengthText = ({ maxLength }: SchemaView): string =>
  maxLength === undefined ? '' : ` of at most ${maxLength} characters`;

/** A number in the unit its key is written in. */
export const quantity = (view: SchemaView, value: number): string => {
  if (view['x-kind'] === 'bytes') return inUnits(value, byteUnits, 'B');
  if (view['x-kind'] === 'duration') return inUnits(value, durationUnits, 'ms');
  return String(value);
};

type Units = readonly (readonly [unit: string, factor: number])[];

const byteUnits: Units = [
  ['TiB', 1024 * GiB],
  ['GiB', GiB],
  ['MiB', MiB],
  ['KiB', KiB],
];
const durationUnits: Units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
];

/** A whole number of the largest unit that gives one: what the configuration itself accepts. */
const inUnits = (value: number, units: Units, smallest: string): string => {
  const [unit, factor] = units.find(([, size]) => value >= size && value % size === 0) ?? [smallest, 1];
  return `${value / factor}${unit}`;
};
