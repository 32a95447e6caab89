import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAuthorization } from './credentials.ts';

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

describe('parseAuthorization', () => {
  for (const [header, expected] of [
    [basic('alice:secret'), { user: 'alice', password: 'secret' }],
    [basic('alice:se:cr:et'), { user: 'alice', password: 'se:cr:et' }],
    [basic('jörg:pässword'), { user: 'jörg', password: 'pässword' }],
    [basic('alice:'), { user: 'alice', password: '' }],
    ['bearer abc.def', { token: 'abc.def' }],
    ['Basic Og==', undefined],
    [basic('nocolon'), undefined],
    ['Basic', undefined],
    ['Basic a b', undefined],
    ['Digest abc', undefined],
    [`Bearer ${'x'.repeat(10_000)}`, undefined],
    ['', undefined],
    [undefined, undefined],
  ] as const) {
    it(`reads ${String(header).slice(0, 40)}`, () => assert.deepEqual(parseAuthorization(header), expected));
  }
});
