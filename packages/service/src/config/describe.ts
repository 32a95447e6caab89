import type { ConfigDefinition } from './definition.ts';
import { allowedText, quantity } from './allowed.ts';
import { environmentName } from './environment.ts';
import type { Leaf, SchemaView } from './schema-view.ts';
import { isSection, leavesOf, mapValues, viewOf } from './schema-view.ts';

/** The reference of one service's configuration as a markdown table, a row a key. */
export const describeConfig = (definition: ConfigDefinition): string => {
  const rows = shownLeaves(definition).map((leaf) => [
    `\`${leaf.key}\``,
    leaf.key.includes('[]') ? '' : `\`${environmentName(definition.service, leaf.path)}\``,
    typeText(leaf.view),
    defaultText(leaf),
    allowedText(leaf.view),
    leaf.view.description ?? '',
  ]);
  const header = ['Key', 'Environment', 'Type', 'Default', 'Allowed', 'What it is for'];
  return [header, header.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map(escapeCell).join(' | ')} |`)
    .join('\n');
};

/** The same for a terminal: `--help`. */
export const helpConfig = (definition: ConfigDefinition): string =>
  shownLeaves(definition)
    .map(
      (leaf) =>
        `  ${leaf.key}${leaf.key.includes('[]') ? '' : `  (${environmentName(definition.service, leaf.path)})`}\n      ${leaf.view.description ?? ''} Default: ${defaultText(leaf).replaceAll('`', '')}; allowed: ${allowedText(leaf.view)}.`,
    )
    .join('\n');

/** Every key; those of a list's sections follow the list, as `list[].key`, and have no variable of their own. */
const shownLeaves = ({ schema }: ConfigDefinition): Leaf[] =>
  leavesOf(viewOf(schema)).flatMap((leaf) => {
    const { items } = leaf.view;
    return [leaf, ...(items && isSection(items) ? leavesOf(items, [`${leaf.key}[]`]) : [])];
  });

const typeText = (view: SchemaView): string => {
  if (view['x-kind']) return view['x-kind'];
  if (view.enum) return 'choice';
  if (view.type === 'array') return `list of ${view.items ? typeText(view.items) : 'values'}`;
  if (mapValues(view)) return 'map';
  if (view.properties) return 'section';
  return { string: 'text', boolean: 'flag' }[view.type ?? ''] ?? view.type ?? 'value';
};

const defaultText = ({ view, required }: Leaf): string => {
  if (view.default === undefined) return required ? '**required**' : 'not set';
  if (typeof view.default === 'number') return `\`${quantity(view, view.default)}\``;
  const shown = view['x-default'] ?? view.default;
  return `\`${typeof shown === 'string' ? shown : JSON.stringify(shown)}\``;
};

const escapeCell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
