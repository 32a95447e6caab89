/** The schema of a service's configuration file as JSON Schema, for the values that the chart hands on to it. */
import type { ConfigDefinition } from '@shoal/service';

/** What the schemas of the services are made of. */
interface Node {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly description?: string;
  readonly 'x-kind'?: string;
}

export type JsonSchema = Readonly<Record<string, unknown>>;

const sizePattern = String.raw`^\d+(\.\d+)?\s*([KMGT]i?B|B|)$`;
const durationPattern = String.raw`^\d+(\.\d+)?\s*(ms|s|m|h|d)$`;

/** Sizes, durations and addresses stand in a file as text, too. */
const leaf = ({ type, enum: choices, pattern, minimum, maximum, 'x-kind': kind }: Node): JsonSchema => {
  const range = { ...(minimum !== undefined && { minimum }), ...(maximum !== undefined && { maximum }) };
  if (kind === 'bytes') return { type: ['integer', 'string'], pattern: sizePattern };
  if (kind === 'duration') return { type: ['integer', 'string'], pattern: durationPattern };
  if (kind === 'address') return { type: 'string' };
  if (choices) return { enum: choices };
  return { ...(type !== undefined && { type }), ...range, ...(pattern !== undefined && { pattern }) };
};

const convert = (node: Node, path: string, reserved: readonly string[]): JsonSchema => {
  const described = node.description === undefined ? {} : { description: node.description };
  if (node.items) return { type: 'array', ...described, items: convert(node.items, `${path}[]`, []) };
  if (!node.properties || node['x-kind']) return { ...described, ...leaf(node) };
  const properties: Record<string, JsonSchema> = {};
  for (const [name, child] of Object.entries(node.properties)) {
    const key = path === '' ? name : `${path}.${name}`;
    if (reserved.includes(key)) continue;
    properties[name] = convert(child, key, reserved);
    if (child['x-kind'] === 'secret') properties[`${name}File`] = { type: 'string' };
  }
  return { type: 'object', ...described, additionalProperties: false, properties };
};

/** All keys but the reserved ones, which the chart sets; none is required. */
export const configSchema = ({ schema }: ConfigDefinition, reserved: readonly string[]): JsonSchema =>
  convert(schema as unknown as Node, '', reserved);
