import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Type } from '@shoal/core';
import { defineConfig } from './definition.ts';
import { describeConfig, helpConfig } from './describe.ts';
import * as kinds from './kinds.ts';
import { loadConfig } from './load.ts';
import { redactConfig } from './redact.ts';

const definition = defineConfig({
  service: 'origin',
  schema: kinds.section({
    store: kinds.section({
      quotaBytes: kinds.bytes({ default: '2GiB', min: '1MiB', description: 'Most bytes | of all.' }),
      waitMs: kinds.durationMs({ description: 'How long.' }),
    }),
    password: Type.Optional(kinds.secret({ description: 'For the store.' })),
    upstream: Type.Optional(kinds.url({ hidden: true, description: 'Where from.' })),
    users: Type.Optional(
      Type.Record(
        Type.String(),
        kinds.section({
          token: kinds.secret({ description: 'T.' }),
          age: kinds.integer({ default: 3, description: 'A.' }),
        }),
      ),
    ),
    peers: kinds.list(kinds.address({ description: 'P.' }), { default: [], description: 'Others.' }),
    keys: kinds.list(kinds.section({ id: kinds.text({ description: 'I.' }) }), { default: [], description: 'K.' }),
  }),
});

it('describes each key in a row', () => {
  assert.deepEqual(describeConfig(definition).split('\n'), [
    '| Key | Environment | Type | Default | Allowed | What it is for |',
    '| --- | --- | --- | --- | --- | --- |',
    '| `store.quotaBytes` | `SHOAL_ORIGIN_STORE_QUOTA_BYTES` | bytes | `2GiB` | a size such as 1048576, 256KiB or 1.5GB of at least 1MiB | Most bytes \\| of all. |',
    '| `store.waitMs` | `SHOAL_ORIGIN_STORE_WAIT_MS` | duration | **required** | a duration such as 250ms, 10s or 5m | How long. |',
    '| `password` | `SHOAL_ORIGIN_PASSWORD` | secret | not set | text of at least 1 characters | For the store. |',
    '| `passwordFile` | `SHOAL_ORIGIN_PASSWORD_FILE` | path | not set | a path | File that holds `password`, in its place. |',
    '| `upstream` | `SHOAL_ORIGIN_UPSTREAM` | url | not set | a URL with http:// or https:// | Where from. |',
    '| `users` | `SHOAL_ORIGIN_USERS` | map | not set | a map of names to: a section with the keys token, age |  |',
    '| `peers` | `SHOAL_ORIGIN_PEERS` | list of address | `[]` | a list of: host:port or [IPv6]:port, with a port from 1 to 65535 | Others. |',
    '| `keys` | `SHOAL_ORIGIN_KEYS` | list of section | `[]` | a list of: a section with the keys id | K. |',
    '| `keys[].id` |  | text | **required** | text of at most 1024 characters | I. |',
  ]);
});

it('names every key in the help of the command line', () => {
  const help = helpConfig(definition);
  for (const key of ['store.quotaBytes', 'SHOAL_ORIGIN_PASSWORD_FILE', 'peers']) assert.ok(help.includes(key), key);
});

it('masks secrets wherever they stand', () => {
  const config = loadConfig(definition, {
    values: {
      store: { waitMs: 1 },
      password: 'one',
      upstream: 'http://u:two@h',
      users: { ann: { token: 'three' } },
      peers: ['a:1'],
    },
  });
  assert.deepEqual(redactConfig(definition, config), {
    store: { quotaBytes: 2 * 1024 ** 3, waitMs: 1 },
    password: '[redacted]',
    upstream: '[redacted]',
    users: { ann: { token: '[redacted]', age: 3 } },
    peers: [{ host: 'a', port: 1 }],
    keys: [],
  });
});
