import { InvalidValueError, type Static, type TSchema } from '@shoal/core';
import { allowedText } from '../config/allowed.ts';
import { keyText, pathOfPointer, valueAt, viewAt } from '../config/paths.ts';
import { viewOf } from '../config/schema-view.ts';
import { validator } from '../config/validate.ts';

/**
 * A function that takes what came over the wire and gives it back with the type of the schema.
 * It throws InvalidValueError (400) naming the first field that does not match: `swarms[3].event`.
 */
export const schemaParser = <Schema extends TSchema>(schema: Schema): ((value: unknown) => Static<Schema>) => {
  const errorsOf = validator(schema, false);
  const view = viewOf(schema);
  return (value) => {
    const [error] = errorsOf(value);
    if (!error) return value as Static<Schema>;
    const path = pathOfPointer(error.instancePath);
    if (error.keyword === 'required') path.push((error.params as { missingProperty: string }).missingProperty);
    throw new InvalidValueError(
      keyText(path) || 'body',
      valueAt(value, path),
      `allowed is ${allowedText(viewAt(view, path))}`,
    );
  };
};

/** Whether what came over the wire is of a schema. */
export const schemaCheck = <Schema extends TSchema>(schema: Schema): ((value: unknown) => value is Static<Schema>) => {
  const errorsOf = validator(schema, false);
  return (value): value is Static<Schema> => errorsOf(value).length === 0;
};
