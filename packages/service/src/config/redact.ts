import type { ConfigDefinition } from './definition.ts';
import type { SchemaView } from './schema-view.ts';
import { isHidden, isSection, mapValues, viewOf } from './schema-view.ts';

/** A loaded configuration for logs and dumps: secrets masked. */
export const redactConfig = (definition: ConfigDefinition, config: unknown): unknown =>
  mask(viewOf(definition.schema), config);

const mask = (view: SchemaView, value: unknown): unknown => {
  if (value === undefined) return undefined;
  if (isHidden(view)) return '[redacted]';
  if (Array.isArray(value)) return value.map((item) => mask(view.items ?? {}, item));
  const values = mapValues(view);
  if (!isSection(view) && !values) return value;
  return Object.fromEntries(
    Object.entries(value as object).map(([name, child]) => [
      name,
      mask(view.properties?.[name] ?? values ?? {}, child),
    ]),
  );
};
