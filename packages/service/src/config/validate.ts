import type { TSchema } from '@shoal/core';
import { Ajv, type ErrorObject } from 'ajv';

/** Schemas are our own: they need no check of their own, and some of their keywords are for documentation. */
const options = { strict: false, meta: false, validateSchema: false, validateFormats: false, logger: false } as const;

const validators = new Map<boolean, Ajv>();

/**
 * The errors of a value, none when it matches the schema; only the first one unless `allErrors`. The schema is compiled
 * when it is needed first.
 */
export const validator = (schema: TSchema, allErrors: boolean): ((value: unknown) => readonly ErrorObject[]) => {
  let compiled: ReturnType<Ajv['compile']> | undefined;
  return (value) => {
    compiled ??= ajv(allErrors).compile(schema);
    return compiled(value) ? [] : (compiled.errors ?? []);
  };
};

const ajv = (allErrors: boolean): Ajv => {
  const made = validators.get(allErrors) ?? new Ajv({ ...options, allErrors });
  validators.set(allErrors, made);
  return made;
};
