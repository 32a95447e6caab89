import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defineConfig } from './definition.ts';
import { environmentName } from './environment.ts';
import { integer, section, secret } from './kinds.ts';

const count = integer({ default: 1, description: 'A number.' });

describe('names in the environment', () => {
  const names: [service: string, key: string, name: string][] = [
    ['agent', 'registry.listenPort', 'SHOAL_AGENT_REGISTRY_LISTEN_PORT'],
    ['origin', 'tls.caFile', 'SHOAL_ORIGIN_TLS_CA_FILE'],
    ['agent', 'cacheTTLMs', 'SHOAL_AGENT_CACHE_TTL_MS'],
    ['agent', 's3.bucket2Name', 'SHOAL_AGENT_S3_BUCKET2_NAME'],
  ];
  for (const [service, key, name] of names) {
    it(`${key} is ${name}`, () => assert.equal(environmentName(service, key.split('.')), name));
  }

  it('belong to one key: a schema in which two share one is refused', () => {
    const schema = section({ a: section({ bC: count }), aB: section({ c: count }) });
    assert.throws(() => defineConfig({ service: 'agent', schema }), /a\.bC.*SHOAL_AGENT_A_B_C|aB\.c and a\.bC/);
    const files = section({ token: secret({ description: 'T.' }), tokenFile: count });
    assert.throws(() => defineConfig({ service: 'agent', schema: files }), /tokenFile/);
  });

  it('are not those that Kubernetes sets', () => {
    for (const schema of [
      section({ port: count }),
      section({ serviceHost: count }),
      section({ service: section({ port: count }) }),
    ]) {
      assert.throws(() => defineConfig({ service: 'agent', schema }), /Kubernetes/);
    }
    defineConfig({ service: 'agent', schema: section({ admin: section({ port: count }) }) });
  });
});
