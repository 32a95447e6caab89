import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { SigningKey } from '@shoal/store';
import { temporaryFolder } from '../testing/test-origin.ts';
import { AccessTokens, tokenLifetimeMs } from './access-tokens.ts';
import { parseScopes } from './scope.ts';

const claims = { user: 'alice', grants: [{ repository: 'team/app', actions: ['pull', 'push'] as const }] };

describe('access tokens', () => {
  it('give back their claims until they expire, also to a process that has loaded the key again', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'key.pem');
    let nowMs = 1_000_000;
    const tokens = new AccessTokens(await SigningKey.loadOrCreate(file), () => nowMs);
    const { token, issuedMs } = tokens.issue(claims);
    assert.equal(issuedMs, 1_000_000);
    nowMs += tokenLifetimeMs - 1;
    assert.deepEqual(new AccessTokens(await SigningKey.loadOrCreate(file), () => nowMs).verify(token), claims);
    nowMs++;
    assert.equal(tokens.verify(token), 'expired');
  });

  it('are nothing when changed, of another key, or something else', async () => {
    await using folder = await temporaryFolder();
    const [own, other] = await Promise.all(
      ['own', 'other'].map((name) => SigningKey.loadOrCreate(join(folder.path, name))),
    );
    assert.ok(own && other);
    const tokens = new AccessTokens(own, () => 0);
    const { token } = tokens.issue(claims);
    const [payload = '', signature = ''] = token.split('.');
    const forged = Buffer.from(JSON.stringify({ user: 'root', grants: [], expiresMs: 9e15 })).toString('base64url');
    const { signature: foreign } = other.sign(Buffer.from(payload));
    for (const bad of [
      `${forged}.${signature}`,
      `${payload}.`,
      `.${signature}`,
      payload,
      `${token}.x`,
      `${payload}.${Buffer.from(foreign, 'base64').toString('base64url')}`,
      new AccessTokens(other, () => 0).issue(claims).token,
      'a-static-token-of-some-length',
      '',
      `${'x'.repeat(8_000)}.x`,
    ])
      assert.equal(tokens.verify(bad), undefined, bad.slice(0, 60));
  });

  it('with the largest scopes fit the header that is read', async () => {
    await using folder = await temporaryFolder();
    const tokens = new AccessTokens(await SigningKey.loadOrCreate(join(folder.path, 'key.pem')), Date.now);
    const grants = parseScopes(Array.from({ length: 16 }, () => `repository:${'a'.repeat(255)}:*`));
    assert.equal(grants.length, 16);
    const { token } = tokens.issue({ user: 'u'.repeat(100), grants });
    assert.ok(typeof tokens.verify(token) === 'object');
    assert.ok(token.length < 8_000);
  });
});

describe('parseScopes', () => {
  for (const [raw, expected] of [
    [['repository:a/b:pull'], [{ repository: 'a/b', actions: ['pull'] }]],
    [
      ['repository:a:push,pull', 'repository:b:delete'],
      [
        { repository: 'a', actions: ['pull', 'push'] },
        { repository: 'b', actions: ['delete'] },
      ],
    ],
    [
      ['repository:a:pull repository:b:*'],
      [
        { repository: 'a', actions: ['pull'] },
        { repository: 'b', actions: ['pull', 'push', 'delete'] },
      ],
    ],
    [['repository(plugin):a:pull'], [{ repository: 'a', actions: ['pull'] }]],
    [['registry:catalog:*', 'repository:a:walk', 'repository:A"b:pull', 'repository::pull', 'x', ''], []],
  ] as const)
    it(`reads ${JSON.stringify(raw)}`, () => assert.deepEqual(parseScopes(raw), expected));

  it('refuses more than a token can hold', () => {
    assert.throws(() => parseScopes([Array.from({ length: 17 }, () => 'repository:a:pull').join(' ')]), /scope: 17/);
  });
});
