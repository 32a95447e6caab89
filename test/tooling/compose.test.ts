import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';

const root = path.join(import.meta.dirname, '../..');

interface ComposeService {
  readonly command: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** `${NAME:-default}` as compose fills it in when the variable is not set. */
const withDefaults = (value: string): string => value.replace(/\$\{\w+:-([^}]*)\}/g, '$1');

const text = readFileSync(path.join(root, 'docker-compose.yml'), 'utf8');
const { services } = parse(text, { merge: true }) as { services: Record<string, ComposeService> };

for (const [name, { command, environment }] of Object.entries(services)) {
  test(`the configuration of ${name} in docker-compose.yml is valid`, () => {
    const [, main = ''] = command.split(' ');
    const env = Object.fromEntries(Object.entries(environment).map(([key, value]) => [key, withDefaults(value)]));
    const output = execFileSync(process.execPath, [path.join(root, main), '--check'], { env, encoding: 'utf8' });
    assert.match(output, /is valid/);
  });
}

test('docker-compose.yml starts every service', () => {
  const mains = Object.values(services).map(({ command }) => command);
  for (const service of ['origin', 'tracker', 'agent']) {
    assert.ok(mains.includes(`node services/${service}/src/main.ts`), service);
  }
});
