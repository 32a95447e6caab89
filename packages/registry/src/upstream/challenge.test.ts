import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseChallenges } from './challenge.ts';

const plain = (headers: string | string[] | undefined) =>
  parseChallenges(headers).map(({ scheme, params }) => [scheme, Object.fromEntries(params)]);

test('a Bearer challenge as registries send it', () => {
  assert.deepEqual(
    plain(
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/alpine:pull,push"',
    ),
    [
      [
        'bearer',
        {
          realm: 'https://auth.docker.io/token',
          service: 'registry.docker.io',
          scope: 'repository:library/alpine:pull,push',
        },
      ],
    ],
  );
});

test('several challenges, in one header or in several, with commas and quotes inside values', () => {
  const basic = ['basic', { realm: 'a "quoted" realm, with a comma' }];
  const bearer = ['bearer', { realm: 'https://r', error: 'invalid_token' }];
  const [one, other] = [
    String.raw`Basic realm="a \"quoted\" realm, with a comma"`,
    'Bearer realm="https://r" , error = invalid_token',
  ];
  assert.deepEqual(plain(`${one}, ${other}`), [basic, bearer]);
  assert.deepEqual(plain([other, one]), [bearer, basic]);
  assert.deepEqual(plain(`Negotiate, Digest dG9rZW4=, ${other}`), [['negotiate', {}], ['digest', {}], bearer]);
});

test('nonsense gives no challenge, and what stands before it counts', () => {
  for (const none of [undefined, '', ' , ', '"', '=x']) assert.deepEqual(plain(none), []);
  assert.deepEqual(plain('Bearer realm="https://r", service="open'), [['bearer', { realm: 'https://r' }]]);
  assert.deepEqual(plain('Bearer realm="first", realm="second"'), [['bearer', { realm: 'first' }]]);
});

const name = fc.stringMatching(/^[a-z][a-z0-9_-]{0,8}$/);
const challenge = fc.record({
  scheme: name,
  params: fc.dictionary(name, fc.string(), { minKeys: 1, noNullPrototype: true }),
});
const quote = (value: string): string => `"${value.replaceAll(/["\\]/g, (character) => `\\${character}`)}"`;

test('what is written by the grammar is read back', () => {
  fc.assert(
    fc.property(fc.array(challenge), (challenges) => {
      const header = challenges
        .map(
          ({ scheme, params }) =>
            `${scheme} ${Object.entries(params)
              .map(([key, value]) => `${key}=${quote(value)}`)
              .join(', ')}`,
        )
        .join(', ');
      assert.deepEqual(
        plain(header),
        challenges.map(({ scheme, params }) => [scheme, params]),
      );
    }),
  );
});

test('any text at all is read without an error', () => {
  fc.assert(fc.property(fc.string(), (header) => void parseChallenges(header)));
});
