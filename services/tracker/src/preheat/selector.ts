import { InvalidValueError } from '@shoal/core';

/** By what nodes are selected. */
export interface SelectableNode {
  readonly peerId: string;
  readonly name: string;
  readonly zone: string;
  /** `key=value` */
  readonly labels: readonly string[];
}

export interface Selector {
  matches(node: SelectableNode): boolean;
  /** Of those that match, from 0 to 1. */
  readonly share: number;
}

const allowed =
  'allowed are terms with commas between them, all of which must hold: name=node-1|node-2, zone=eu-1, label.disk=ssd, 25%; * stands for any characters';

/** `zone=eu-1,label.disk=ssd,25%`; nothing, `all` and `100%` select every node. @throws InvalidValueError */
export const parseSelector = (raw: string, field = 'nodes'): Selector => {
  const refuse = (): never => {
    throw new InvalidValueError(field, raw.slice(0, 200), allowed);
  };
  const tests: ((node: SelectableNode) => boolean)[] = [];
  let share = 1;
  for (const term of raw.split(',').map((part) => part.trim())) {
    if (term === '' || term === 'all') continue;
    const [, percentage] = /^(\d{1,3}(?:\.\d{1,3})?)%$/.exec(term) ?? [];
    if (percentage !== undefined) {
      share = Number(percentage) / 100;
      if (share <= 0 || share > 1) refuse();
      continue;
    }
    const [, key = '', values = ''] = /^(name|zone|label\.[A-Za-z0-9._/-]{1,63})=(\S{1,500})$/.exec(term) ?? refuse();
    const patterns = values.split('|').map(pattern);
    tests.push((node) => patterns.some((one) => one.test(valueOf(node, key) ?? '\0')));
  }
  return { matches: (node) => tests.every((holds) => holds(node)), share };
};

const valueOf = (node: SelectableNode, key: string): string | undefined => {
  if (key === 'name') return node.name;
  if (key === 'zone') return node.zone;
  const prefix = `${key.slice('label.'.length)}=`;
  return node.labels.find((label) => label.startsWith(prefix))?.slice(prefix.length);
};

/** Runs of stars count as one: a pattern of many would take the regular expression for ever. */
const pattern = (glob: string): RegExp =>
  new RegExp(
    `^${glob
      .split(/\*+/)
      .map((part) => RegExp.escape(part))
      .join('[^\\0]*')}$`,
  );
