import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { Type } from '@shoal/core';
import { defineConfig } from './definition.ts';
import { ConfigError } from './error.ts';
import * as kinds from './kinds.ts';
import { loadConfig } from './load.ts';
import type { ConfigSources } from './load.ts';
import { baseSections, checkBase, listener, tlsFiles } from './sections.ts';

const folder = mkdtempSync(join(tmpdir(), 'shoal-config-'));
after(() => rmSync(folder, { recursive: true }));

const fileOf = (name: string, content: string): string => {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
};

const definition = defineConfig({
  service: 'agent',
  schema: kinds.section({
    ...baseSections({ admin: 7022, debug: 7023 }),
    registry: kinds.section({ ...listener(7020, 'Registry').properties, tls: Type.Optional(tlsFiles()) }),
    cache: kinds.section({
      folder: kinds.path({ default: './data', description: 'Folder.' }),
      quotaBytes: kinds.bytes({ default: '1GiB', min: '1MiB', max: '1TiB', description: 'Quota.' }),
      verify: kinds.choice(['pieces', 'blob'], { default: 'pieces', description: 'What.' }),
    }),
    timeoutMs: kinds.durationMs({ default: '10s', min: '10ms', description: 'Deadline.' }),
    origins: kinds.list(kinds.url({ description: 'Origin.' }), {
      default: ['http://127.0.0.1:7000'],
      min: 1,
      description: 'Origins.',
    }),
    advertise: Type.Optional(kinds.address({ description: 'Address.' })),
    share: kinds.number({ default: 0.5, max: 1, description: 'Share.' }),
    tokens: kinds.list(kinds.secret({ description: 'T.' }), { default: [], description: 'Ts.' }),
    strict: kinds.flag({ default: false, description: 'Strict.' }),
    name: kinds.text({ pattern: '^[a-z]+$', description: 'A name.' }),
    users: Type.Optional(
      Type.Record(
        Type.String(),
        kinds.section({
          token: kinds.secret({ description: 'Token.' }),
          quota: Type.Optional(kinds.bytes({ description: 'Q.' })),
        }),
      ),
    ),
  }),
  check: (config) => checkBase(config, { registry: config.registry }),
});

const load = (sources: ConfigSources = {}, name = 'test') =>
  loadConfig(definition, {
    ...sources,
    values: { ...(name && { name }), ...(sources.values as object) },
  });

const problemsOf = (sources: ConfigSources, name?: string): string[] => {
  try {
    load(sources, name);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    const [header = '', ...lines] = error.message.split('\n');
    assert.match(header, /^the configuration of the agent has /);
    return lines.map((line) => line.trim());
  }
  return [];
};

describe('loadConfig: values', () => {
  it('fills in defaults, parsed', () => {
    const config = load();
    assert.equal(config.cache.quotaBytes, 1024 ** 3);
    assert.equal(config.timeoutMs, 10_000);
    assert.equal(config.cache.folder, resolve('./data'));
    assert.deepEqual(config.admin, { host: '127.0.0.1', port: 7022 });
    assert.equal(config.cluster.secret, undefined);
    assert.equal(config.registry.tls, undefined);
  });

  it('parses sizes, durations, addresses and URLs of a file', () => {
    const file = fileOf(
      'good.yaml',
      'name: abc\ncache:\n  quotaBytes: 1.5 GiB\n  folder: rel/x\ntimeoutMs: 250ms\norigins: ["http://a:7000/", https://b]\nadvertise: "[::1]:7021"\nusers:\n  ann: { token: t, quota: 2MB }\nadmin:\n',
    );
    const config = loadConfig(definition, { file });
    assert.equal(config.cache.quotaBytes, 1.5 * 1024 ** 3);
    assert.equal(config.cache.folder, resolve('rel/x'));
    assert.equal(config.timeoutMs, 250);
    assert.deepEqual(config.origins, ['http://a:7000', 'https://b']);
    assert.deepEqual(config.advertise, { host: '::1', port: 7021 });
    assert.deepEqual(config.users, { ann: { token: 't', quota: 2_000_000 } });
    assert.equal(config.admin.port, 7022);
  });

  it('takes an empty file', () => {
    assert.equal(load({ file: fileOf('empty.yaml', '# nothing\n') }).admin.port, 7022);
  });

  it('does not change what it was given, and gives each caller defaults of its own', () => {
    const values = { name: 'abc', admin: { port: 1 } };
    loadConfig(definition, { values, env: { SHOAL_AGENT_ADMIN_PORT: '2' } });
    assert.deepEqual(values, { name: 'abc', admin: { port: 1 } });
    load().origins.push('x');
    assert.deepEqual(load().origins, ['http://127.0.0.1:7000']);
  });
});

describe('loadConfig: environment', () => {
  it('stands over the file, with values of every kind', () => {
    const env = {
      SHOAL_AGENT_ADMIN_PORT: '1',
      SHOAL_AGENT_CACHE_QUOTA_BYTES: '2MiB',
      SHOAL_AGENT_TIMEOUT_MS: '3s',
      SHOAL_AGENT_ORIGINS: 'http://a, http://b',
      SHOAL_AGENT_ADVERTISE: 'node:7021',
      SHOAL_AGENT_SHARE: '0.25',
      SHOAL_AGENT_STRICT: 'true',
      SHOAL_AGENT_NAME: 'env',
      SHOAL_AGENT_USERS: '{ bob: { token: t } }',
      SHOAL_AGENT_CACHE_VERIFY: 'blob',
      SHOAL_AGENT_REGISTRY_TLS_CERT_FILE: '/c',
      SHOAL_AGENT_REGISTRY_TLS_KEY_FILE: '/k',
      SHOAL_OTHER: 'x',
      SHOAL_CONFIG: 'y',
    };
    const config = load({ env, file: fileOf('under.yaml', 'admin: { port: 9 }\nname: file\n') });
    assert.equal(config.admin.port, 1);
    assert.equal(config.cache.quotaBytes, 2 * 1024 ** 2);
    assert.equal(config.timeoutMs, 3000);
    assert.deepEqual(config.origins, ['http://a', 'http://b']);
    assert.deepEqual(config.advertise, { host: 'node', port: 7021 });
    assert.deepEqual([config.share, config.strict, config.name, config.cache.verify], [0.25, true, 'env', 'blob']);
    assert.deepEqual(config.users, { bob: { token: 't' } });
    assert.deepEqual(config.registry.tls, { certFile: '/c', keyFile: '/k' });
  });

  it('counts empty variables as not set', () => {
    assert.equal(load({ env: { SHOAL_AGENT_ADMIN_PORT: '' } }).admin.port, 7022);
  });

  it('takes a list in YAML as well', () => {
    assert.deepEqual(load({ env: { SHOAL_AGENT_ORIGINS: '["http://a"]' } }).origins, ['http://a']);
  });

  it('names the variable in a problem', () => {
    assert.deepEqual(problemsOf({ env: { SHOAL_AGENT_ADMIN_PORT: '70000' } }), [
      'admin.port: 70000 is not allowed; allowed is a port from 0 (any free one) to 65535 (SHOAL_AGENT_ADMIN_PORT)',
    ]);
    assert.deepEqual(problemsOf({ env: { SHOAL_AGENT_ADMIN_PORT: 'many' } }), [
      'admin.port: "many" is not allowed; allowed is a port from 0 (any free one) to 65535 (SHOAL_AGENT_ADMIN_PORT)',
    ]);
    assert.match(problemsOf({ env: { SHOAL_AGENT_USERS: '{ bob' } })[0] ?? '', /^users: .*SHOAL_AGENT_USERS/);
    assert.match(problemsOf({ env: { SHOAL_AGENT_STRICT: 'yes' } })[0] ?? '', /^strict: "yes" .* true or false/);
  });

  it('refuses a variable that no key has, and does not print its value', () => {
    assert.deepEqual(problemsOf({ env: { SHOAL_AGENT_ADMIN_PROT: 'hush' } }), [
      'SHOAL_AGENT_ADMIN_PROT: is an unknown key, given with the value (not shown); did you mean SHOAL_AGENT_ADMIN_PORT? (environment)',
    ]);
  });

  it('passes over what Kubernetes sets for services of similar names', () => {
    const env = {
      SHOAL_AGENT_PORT: 'tcp://10.0.0.1:80',
      SHOAL_AGENT_SERVICE_HOST: '10.0.0.1',
      SHOAL_AGENT_METRICS_PORT_7022_TCP_ADDR: '10.0.0.1',
      SHOAL_AGENT_METRICS_SERVICE_PORT_HTTP: '1',
    };
    assert.deepEqual(problemsOf({ env }), []);
  });
});

describe('loadConfig: problems', () => {
  const wrong: [title: string, values: object, message: RegExp][] = [
    [
      'unknown key',
      { cache: { quotabyte: 1 } },
      /^cache\.quotabyte: is an unknown key, given with 1; did you mean cache\.quotaBytes\? allowed here are folder, quotaBytes, verify$/,
    ],
    ['key in the wrong place', { quotaBytes: 1 }, /^quotaBytes: is an unknown key.*did you mean cache\.quotaBytes\?/],
    ['wrong type', { strict: 3 }, /^strict: 3 is not allowed; allowed is true or false$/],
    [
      'section that is none',
      { cache: [1] },
      /^cache: \[1\] is not allowed; allowed is a section with the keys folder, quotaBytes, verify$/,
    ],
    ['null', { timeoutMs: null }, /^timeoutMs: null is not allowed/],
    [
      'size that is none',
      { cache: { quotaBytes: '3 lots' } },
      /^cache\.quotaBytes: "3 lots" is not allowed; allowed is a size such as .* from 1MiB to 1TiB$/,
    ],
    ['size out of range', { cache: { quotaBytes: '2TiB' } }, /^cache\.quotaBytes: "2TiB" is not allowed/],
    [
      'duration out of range',
      { timeoutMs: 5 },
      /^timeoutMs: 5 is not allowed; allowed is a duration such as .* of at least 10ms$/,
    ],
    ['choice', { cache: { verify: 'none' } }, /^cache\.verify: "none" is not allowed; allowed is one of pieces, blob$/],
    ['empty list', { origins: [] }, /^origins: \[\] is not allowed; allowed is a list of 1 to 1000 entries/],
    [
      'entry of a list',
      { origins: ['http://a', 'gopher://b'] },
      /^origins\[1\]: "gopher:\/\/b" is not allowed; allowed is a URL with http:\/\/ or https:\/\/, without a user and password$/,
    ],
    ['list that is none', { origins: 'http://a' }, /^origins: "http:\/\/a" is not allowed; allowed is a list/],
    ['address', { advertise: 'node' }, /^advertise: "node" is not allowed; allowed is host:port/],
    ['number out of range', { share: 2 }, /^share: 2 is not allowed; allowed is a number from 0 to 1$/],
    ['pattern', { name: 'A b' }, /^name: "A b" is not allowed; allowed is text that matches \^\[a-z\]\+\$/],
    ['entry of a map', { users: { ann: { tokn: 'x' } } }, /^users\.ann\.token: is missing/],
    [
      'debug beyond loopback',
      { debug: { host: '0.0.0.0' } },
      /^debug\.host: "0\.0\.0\.0" is not allowed; allowed is a loopback address/,
    ],
    [
      'no secret beyond loopback',
      { registry: { host: '::' } },
      /^registry\.host: "::" is not allowed.*cluster\.secret/,
    ],
    [
      'half of a TLS section',
      { registry: { tls: { certFile: '/c' } } },
      /^registry\.tls\.keyFile: is missing; needed is a path, here or in SHOAL_AGENT_REGISTRY_TLS_KEY_FILE$/,
    ],
  ];
  for (const [title, values, message] of wrong) {
    it(`names key, value and what is allowed: ${title}`, () => {
      assert.match(problemsOf({ values })[0] ?? '(no problem)', message);
    });
  }

  it('names a missing key and its variable', () => {
    assert.match(
      problemsOf({}, '')[0] ?? '',
      /^name: is missing; needed is text that matches .*, here or in SHOAL_AGENT_NAME$/,
    );
  });

  it('reports everything at once, with the line of the file', () => {
    const file = fileOf(
      'bad.yaml',
      'name: ok\nadmin:\n  port: 70000\n  hots: x\ncache:\n  quotaBytes: lots\norigins:\n  - http://a\n  - nope\n',
    );
    const problems = problemsOf({ file });
    assert.equal(problems.length, 4);
    const lines = problems.map((problem) => `${problem.split(':')[0]} ${/\((bad\.yaml:\d+)\)$/.exec(problem)?.[1]}`);
    assert.deepEqual(lines.toSorted(), [
      'admin.hots bad.yaml:4',
      'admin.port bad.yaml:3',
      'cache.quotaBytes bad.yaml:6',
      'origins[1] bad.yaml:9',
    ]);
  });

  it('names an unreadable file, one that is no YAML, and one that is no map', () => {
    assert.match(
      problemsOf({ file: join(folder, 'absent.yaml') })[0] ?? '',
      /^config file: ".*absent\.yaml" is not allowed; .*can't be read: ENOENT/,
    );
    assert.match(problemsOf({ file: folder })[0] ?? '', /config file: .*can't be read: EISDIR/);
    assert.match(
      problemsOf({ file: fileOf('broken.yaml', 'a: 1\nb: [1\n') })[0] ?? '',
      /^config file: .*allowed is YAML \(broken\.yaml:\d\)$/,
    );
    assert.match(
      problemsOf({ file: fileOf('twice.yaml', 'a: 1\na: 2\n') })[0] ?? '',
      /^config file: .*unique.*\(twice\.yaml:2\)$/,
    );
    assert.match(problemsOf({ file: fileOf('list.yaml', '- 1\n') })[0] ?? '', /map of keys/);
  });

  it('answers any tree with a configuration or a ConfigError', () => {
    const key = fc.constantFrom(
      'admin',
      'cache',
      'origins',
      'users',
      'advertise',
      'cluster',
      'secret',
      'port',
      'host',
      'quotaBytes',
      'token',
      'x',
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.jsonValue({ maxDepth: 1 }),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(key, tie('tree'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(key, tree, { maxKeys: 4 }), (values) => {
        problemsOf({ values });
      }),
    );
  });
});

describe('loadConfig: secrets', () => {
  const secret = 'correct horse battery';

  it('reads a secret from its file, without the line end', () => {
    const secretFile = fileOf('secret', `${secret}\n`);
    assert.equal(load({ values: { cluster: { secretFile } } }).cluster.secret, secret);
    assert.equal(load({ env: { SHOAL_AGENT_CLUSTER_SECRET_FILE: secretFile } }).cluster.secret, secret);
    assert.ok(!('secretFile' in load({ values: { cluster: { secretFile } } }).cluster));
  });

  it('takes that of the environment over either spelling in the file', () => {
    const env = { SHOAL_AGENT_CLUSTER_SECRET: secret };
    assert.equal(load({ env, values: { cluster: { secretFile: '/nowhere' } } }).cluster.secret, secret);
    const fileEnv = { SHOAL_AGENT_CLUSTER_SECRET_FILE: fileOf('other', secret) };
    assert.equal(load({ env: fileEnv, values: { cluster: { secret: 'the one of the file' } } }).cluster.secret, secret);
  });

  it('refuses both at once, a file that is missing or empty, and a short one, and prints none', () => {
    const short = 'hunter2';
    assert.match(
      problemsOf({ values: { cluster: { secret, secretFile: '/x' } } })[0] ?? '',
      /^cluster\.secretFile: .*not both/,
    );
    assert.match(
      problemsOf({ values: { cluster: { secretFile: '/nowhere' } } })[0] ?? '',
      /^cluster\.secretFile: "\/nowhere" is not allowed; .*ENOENT/,
    );
    assert.match(problemsOf({ values: { cluster: { secretFile: fileOf('none', '\n') } } })[0] ?? '', /it is empty/);
    for (const values of [
      { cluster: { secret: short } },
      { cluster: { secretFile: fileOf('short', short) } },
      { cluster: { secrets: short } },
      { cluster: short },
      { tokens: short },
      { users: { ann: short } },
    ]) {
      const [problem = ''] = problemsOf({ values });
      assert.match(problem, /^(cluster|tokens|users).*: .*not shown/);
      assert.ok(!problem.includes(short));
    }
  });
});
