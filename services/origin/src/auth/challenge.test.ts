import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FastifyRequest } from 'fastify';
import { bearerChallenge, realmOf } from './challenge.ts';

const reachedAs = (host: string | undefined): FastifyRequest =>
  ({ raw: { headers: { host }, socket: { localAddress: '10.0.0.1', localPort: 7000 } } }) as unknown as FastifyRequest;

describe('the realm of a challenge', () => {
  for (const host of ['localhost:7000', '127.0.0.1', '[::1]:7000', 'registry.example.com', 'shoal_origin:7000'])
    it(`is at ${host} for who came there`, () =>
      assert.equal(realmOf(reachedAs(host), undefined), `http://${host}/shoal/v1/token`));

  for (const host of [
    'evil"host',
    'a,b',
    'user@host',
    'host/path',
    'host:port',
    'a\r\nset-cookie: x',
    ' ',
    '',
    `${'x'.repeat(300)}`,
    undefined,
  ])
    it(`does not repeat the Host ${JSON.stringify(host)?.slice(0, 40)}`, () =>
      assert.equal(realmOf(reachedAs(host), undefined), 'http://10.0.0.1:7000/shoal/v1/token'));

  it('is what is configured, without characters that end a quoted string', () => {
    assert.equal(realmOf(reachedAs('x'), 'https://r.example/"token'), 'https://r.example/%22token');
  });
});

it('a challenge names what the request needs', () => {
  const required = [
    { repository: 'team/app', actions: ['pull', 'push'] as const },
    { repository: 'base', actions: ['pull'] as const },
  ];
  assert.equal(
    bearerChallenge('http://h/t', { required, error: 'insufficient_scope' }),
    'Bearer realm="http://h/t",service="shoal",scope="repository:team/app:pull,push repository:base:pull",error="insufficient_scope"',
  );
  assert.equal(bearerChallenge('http://h/t', { required: [] }), 'Bearer realm="http://h/t",service="shoal"');
});
