/** The files of the chart that are made from others. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { valuesSchema } from './values-schema.ts';
import { valuesTable } from './values-table.ts';

export const chart = path.join(import.meta.dirname, 'shoal');

/** Their texts, by name. */
export const generated = (): [string, string][] => [
  ['values.schema.json', `${JSON.stringify(valuesSchema(), undefined, 2)}\n`],
  ['README.md', valuesTable(readFileSync(path.join(chart, 'values.yaml'), 'utf8'))],
];
