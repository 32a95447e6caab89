import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { type ConfigDefinition, loadConfig } from '@shoal/service';
import { parse } from 'yaml';
import { agentConfig } from '../../services/agent/src/config.ts';
import { originConfig } from '../../services/origin/src/config.ts';
import { trackerConfig } from '../../services/tracker/src/config.ts';
import { requireTool } from '../support/external.ts';

const root = path.join(import.meta.dirname, '../..');

interface ComposeService {
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly build?: string;
  readonly read_only: boolean;
}

/** `${NAME:-default}` as compose fills it in when the variable is not set. */
const withDefaults = (value: string): string => value.replace(/\$\{\w+:-([^}]*)\}/g, '$1');

const text = readFileSync(path.join(root, 'docker-compose.yml'), 'utf8');
const { services } = parse(text, { merge: true }) as { services: Record<string, ComposeService> };
const own = Object.entries(services).filter(([, { build }]) => build !== undefined);
const definitions: Readonly<Record<string, ConfigDefinition>> = {
  origin: originConfig,
  tracker: trackerConfig,
  agent: agentConfig,
};

for (const [name, { command, environment = {} }] of own) {
  test(`the configuration of ${name} in docker-compose.yml is valid`, () => {
    const env = Object.fromEntries(Object.entries(environment).map(([key, value]) => [key, withDefaults(value)]));
    const definition = definitions[command[0] ?? ''];
    assert.ok(definition, command.join(' '));
    loadConfig(definition, { env });
    const prefix = `SHOAL_${definition.service.toUpperCase()}_`;
    for (const key of Object.keys(env)) assert.ok(key.startsWith(prefix), `${key} of ${name}`);
  });
}

test('docker-compose.yml starts an origin, a tracker and three agents', () => {
  const commands = own.map(([, { command }]) => command.join(' '));
  assert.deepEqual(commands.toSorted(), ['agent', 'agent', 'agent', 'origin', 'tracker']);
});

test('no container of docker-compose.yml can write to its image, and what is mounted into one is there', () => {
  for (const [name, { read_only: readOnly, volumes = [] }] of Object.entries(services)) {
    assert.equal(readOnly, true, name);
    const sources = volumes.map((volume) => volume.split(':')[0] ?? '').filter((source) => source.startsWith('.'));
    for (const source of sources) statSync(path.join(root, source));
  }
});

/** The listeners that people and clients outside use; pieces go between the containers alone. */
const published: Readonly<Record<string, readonly string[]>> = {
  origin: ['registry', 'admin'],
  tracker: ['api', 'ui', 'admin'],
  agent: ['registry', 'admin'],
};

test('docker-compose.yml publishes what is used from outside, at loopback alone', () => {
  for (const [name, { command, environment = {}, ports = [] }] of own) {
    const definition = definitions[command[0] ?? '']!;
    const env = Object.fromEntries(Object.entries(environment).map(([key, value]) => [key, withDefaults(value)]));
    const config = loadConfig(definition, { env }) as Readonly<Record<string, { host: string; port: number }>>;
    const listeners = published[definition.service]!.map((listener) => config[listener]!);
    assert.deepEqual(
      ports.map((port) => port.split(':').at(-1)),
      listeners.map(({ port }) => String(port)),
      name,
    );
    for (const port of ports) assert.match(port, /^127\.0\.0\.1:/, name);
    for (const { host } of listeners) assert.equal(host, '0.0.0.0', name);
  }
});

const compose = (...command: string[]): { readonly status: number | null; readonly text: string } => {
  const [program = '', ...args] = command;
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: root, encoding: 'utf8', timeout: 60_000 });
  return { status, text: stdout + stderr };
};

const reads = (...command: string[]): void => {
  const { status, text } = compose(...command, '--profile', 'monitoring', 'config');
  assert.equal(status, 0, text);
  for (const name of Object.keys(services)) assert.match(text, new RegExp(`^  ${name}:$`, 'm'));
};

test('compose 1.29 reads docker-compose.yml', { skip: requireTool('docker-compose') }, () => reads('docker-compose'));

// Debian has no package of it: nothing that a run of CI has to have.
if (compose('docker', 'compose', 'version').status === 0) {
  test('compose v2 reads docker-compose.yml', () => reads('docker', 'compose'));
}
