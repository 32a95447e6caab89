import { InvalidValueError } from '@shoal/core';
import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { allowedText } from '../config/allowed.ts';
import { keyText, pathOfPointer, valueAt, viewAt } from '../config/paths.ts';
import { viewOf } from '../config/schema-view.ts';

/**
 * A function that takes what came over the wire and gives it back with the type of the schema.
 * It throws InvalidValueError (400) naming the first field that does not match: `swarms[3].event`.
 */
export const schemaParser = <Schema extends TSchema>(schema: Schema): ((value: unknown) => Static<Schema>) => {
  const validator = Compile(schema);
  const view = viewOf(schema);
  return (value) => {
    if (validator.Check(value)) return value as Static<Schema>;
    const [error] = validator.Errors(value);
    const path = pathOfPointer(error?.instancePath ?? '');
    if (error?.keyword === 'required')
      path.push((error.params as { requiredProperties: string[] }).requiredProperties[0] ?? '');
    throw new InvalidValueError(
      keyText(path) || 'body',
      valueAt(value, path),
      `allowed is ${allowedText(viewAt(view, path))}`,
    );
  };
};
