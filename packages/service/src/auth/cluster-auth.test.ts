import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ClusterAuthError, clusterAuth, unsignedBody } from './cluster-auth.ts';

const secret = 'one secret for all of us';
const request = { method: 'POST', path: '/shoal/v1/announce?x=1', body: '{"a":1}' };

const at = (nowMs: number, ofSecret = secret) => clusterAuth(ofSecret, { clock: () => nowMs });

describe('cluster authentication of requests', () => {
  it('accepts what a holder of the secret signed', () => {
    const headers = at(1e12).signHeaders(request);
    assert.equal(at(1e12 + 1000).verifyRequest({ ...request, headers }), headers['shoal-nonce']);
  });

  it('signs as documented', () => {
    const headers = at(1e12).signHeaders(request);
    const hash = createHash('sha256').update(request.body).digest('hex');
    const text = `shoal-http-v1\nPOST\n/shoal/v1/announce?x=1\n1000000000000\n${headers['shoal-nonce']}\n${hash}`;
    assert.equal(headers['shoal-auth'], createHmac('sha256', secret).update(text).digest('hex'));
    assert.equal(headers['shoal-time'], '1000000000000');
  });

  it('refuses any other method, path, body, time or nonce', () => {
    const headers = at(1e12).signHeaders(request);
    const verify = (change: object, header: object = {}): string =>
      at(1e12).verifyRequest({ ...request, ...change, headers: { ...headers, ...header } });
    for (const change of [
      { method: 'GET' },
      { path: '/shoal/v1/announce' },
      { body: '{"a":2}' },
      { body: undefined },
      { body: unsignedBody },
    ]) {
      assert.throws(() => verify(change), /same cluster secret/);
    }
    assert.throws(() => verify({}, { 'shoal-time': '1000000000001' }), /same cluster secret/);
    assert.throws(() => verify({}, { 'shoal-nonce': 'x'.repeat(22) }), /same cluster secret/);
    assert.equal(verify({}), headers['shoal-nonce']);
  });

  it('refuses a replay, and what is older or newer than the clocks may differ', () => {
    const auth = at(1e12);
    const headers = auth.signHeaders(request);
    auth.verifyRequest({ ...request, headers });
    assert.throws(() => auth.verifyRequest({ ...request, headers }), /received before/);
    for (const nowMs of [1e12 + 300_001, 1e12 - 300_001]) {
      assert.throws(
        () => at(nowMs).verifyRequest({ ...request, headers: at(1e12).signHeaders(request) }),
        /clocks .* differ by more than 300 s/,
      );
    }
  });

  it('refuses another secret, and names a header that is missing', () => {
    const headers = at(1e12, 'quite another secret').signHeaders(request);
    assert.throws(() => at(1e12).verifyRequest({ ...request, headers }), ClusterAuthError);
    for (const name of Object.keys(headers)) {
      assert.throws(
        () => at(1e12).verifyRequest({ ...request, headers: { ...headers, [name]: undefined } }),
        new RegExp(`${name} is missing`),
      );
    }
  });

  it('signs a streamed body as unsigned', () => {
    const headers = at(1e12).signHeaders({ ...request, body: unsignedBody });
    at(1e12).verifyRequest({ ...request, body: unsignedBody, headers });
  });

  it('answers any headers with ClusterAuthError', () => {
    const value = fc.oneof(fc.string(), fc.constant(undefined), fc.array(fc.string()), fc.constant('1000000000000'));
    fc.assert(
      fc.property(value, value, value, (time, nonce, proof) => {
        const headers = { 'shoal-time': time, 'shoal-nonce': nonce, 'shoal-auth': proof };
        assert.throws(() => at(1e12).verifyRequest({ ...request, headers }), ClusterAuthError);
      }),
    );
  });
});

describe('cluster authentication of answers', () => {
  it('accepts the proof of this request and status only', () => {
    const auth = at(1e12);
    const headers = auth.answerHeaders('nonce-of-the-request', 200);
    auth.verifyAnswer({ nonce: 'nonce-of-the-request', status: 200, headers });
    assert.throws(
      () => auth.verifyAnswer({ nonce: 'nonce-of-the-request', status: 404, headers }),
      /another cluster secret/,
    );
    assert.throws(() => auth.verifyAnswer({ nonce: 'another', status: 200, headers }), /another cluster secret/);
    assert.throws(
      () => auth.verifyAnswer({ nonce: 'nonce-of-the-request', status: 200, headers: {} }),
      /no shoal-proof/,
    );
  });
});

it('does nothing without a secret', () => {
  const open = clusterAuth(undefined);
  assert.deepEqual(open.signHeaders(request), {});
  assert.equal(open.verifyRequest({ ...request, headers: {} }), '');
  assert.deepEqual(open.answerHeaders('x', 200), {});
  open.verifyAnswer({ nonce: '', status: 200, headers: {} });
  assert.equal(open.enabled, false);
});
