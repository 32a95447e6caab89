import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseAddress, parseBytes, parseDurationMs } from '@shoal/core';
import { parse as parseYaml } from 'yaml';
import { isFlow } from './environment.ts';
import type { SchemaView } from './schema-view.ts';

/** The value of one key from what the file holds. @throws when it can't be one; ranges are not checked here. */
export const parseLeaf = (view: SchemaView, raw: unknown): unknown => {
  switch (view['x-kind']) {
    case 'bytes':
      return parseBytes(quantityText(raw));
    case 'duration':
      return parseDurationMs(quantityText(raw));
    case 'address':
      return isAddress(raw) ? raw : parseAddress(stringOf(raw));
    case 'path':
      return stringOf(raw) === '' ? '' : resolve(stringOf(raw));
    case 'url':
      return parseUrl(stringOf(raw), view);
    default:
      return raw;
  }
};

/** Text of the environment as the value a file would hold. @throws when a flow list or map is no YAML. */
export const parseEnvironmentText = (view: SchemaView, raw: string): unknown => {
  if (view.type === 'array')
    return isFlow(raw)
      ? parseYaml(raw)
      : raw.split(',').map((item) => parseEnvironmentText(view.items ?? {}, item.trim()));
  if (view.type === 'object' && view['x-kind'] === undefined) return parseYaml(raw);
  if (view.type === 'boolean') return raw === 'true' ? true : raw === 'false' ? false : raw;
  if ((view.type === 'integer' || view.type === 'number') && /^-?\d+(\.\d+)?$/.test(raw)) return Number(raw);
  return raw;
};

const secretBytesMax = 64 * 1024;

/** The content of a secret's file without the line end that editors add. @throws when it can't be read or is no short text. */
export const readSecretFile = (file: string): string => {
  if (statSync(file).size > secretBytesMax) throw new Error(`it is larger than ${secretBytesMax} bytes`);
  const value = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  if (value === '') throw new Error('it is empty');
  return value;
};

/** A configuration made by a program holds the parsed address already. */
const isAddress = (raw: unknown): boolean => typeof raw === 'object' && raw !== null && 'host' in raw && 'port' in raw;

const quantityText = (raw: unknown): string | number => {
  if (typeof raw === 'number' || typeof raw === 'string') return raw;
  throw new TypeError('not a number or text');
};

const stringOf = (raw: unknown): string => {
  if (typeof raw === 'string') return raw;
  throw new TypeError('not text');
};

/** A login is taken in hidden values only: any other is shown in logs and to clients. */
const parseUrl = (raw: string, { 'x-protocols': protocols, 'x-hidden': hidden }: SchemaView): string => {
  const { protocol, username, password } = new URL(raw);
  if (protocols?.includes(protocol) !== true) throw new TypeError('another protocol');
  if (!hidden && (username !== '' || password !== '')) throw new TypeError('a login in it');
  return raw.replace(/\/+$/, '');
};
