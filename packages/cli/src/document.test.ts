import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { clusterFlags } from './cluster/endpoints.ts';
import { commands } from './commands.ts';

const document = readFileSync(new URL('../../../docs/CLI.md', import.meta.url), 'utf8');

/** From a heading to the next of its level. */
const section = (title: string): string => document.split(`\n## ${title}\n`)[1]?.split('\n## ')[0] ?? '';

test('docs/CLI.md has every command and every flag, and no other', () => {
  const listed = [...document.matchAll(/^\| \[`shoal (\S+)`\]/gm)].map(([, name]) => name);
  assert.deepEqual(
    listed,
    commands.map(({ name }) => name),
  );
  for (const { name, flags } of commands) {
    assert.notEqual(section(name), '', `there is a section ${name}`);
    const own = Object.keys(flags).filter((flag) => !(flag in clusterFlags) || flags[flag] !== clusterFlags[flag]);
    for (const flag of own) assert.match(section(name), new RegExp(`--${flag}\\b`), `${name} --${flag}`);
  }
  for (const flag of Object.keys(clusterFlags))
    assert.match(section('How it finds the cluster'), new RegExp(`--${flag}\\b`));
  const known = new Set([
    'json',
    'help',
    'version',
    'hosts-dir',
    'registry-mirror',
    ...commands.flatMap(({ flags }) => Object.keys(flags)),
  ]);
  for (const [, flag = ''] of document.matchAll(/`--([a-z-]+)/g)) assert.ok(known.has(flag), `--${flag} is a flag`);
});
