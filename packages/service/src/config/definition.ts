import type { Static, TObject } from '@shoal/core';
import { environmentNames } from './environment.ts';
import { viewOf } from './schema-view.ts';

/** One thing that is wrong with a configuration. */
export interface ConfigProblem {
  /** The dotted key: `registry.listenPort`, `trackers[0]`. */
  readonly key: string;
  /** The offending value as it was given. Values of secrets are masked when printed. */
  readonly value: unknown;
  /** What would be accepted, in words: `allowed is ...`. */
  readonly allowed: string;
}

/** The configuration of one service: its schema and the rules that join several keys. */
export interface ConfigDefinition<Schema extends TObject = TObject> {
  /** Lower case: `agent`. Environment variables start with `SHOAL_AGENT_`. */
  readonly service: string;
  readonly schema: Schema;
  /** Rules across keys; it runs only on a configuration that matches the schema. */
  readonly check: (config: Static<Schema>) => readonly ConfigProblem[];
}

/** @throws Error for a schema in which two keys share an environment variable: a mistake of the programmer. */
export const defineConfig = <Schema extends TObject>(definition: {
  readonly service: string;
  readonly schema: Schema;
  readonly check?: (config: Static<Schema>) => readonly ConfigProblem[];
}): ConfigDefinition<Schema> => {
  environmentNames(definition.service, viewOf(definition.schema));
  return { check: () => [], ...definition };
};
