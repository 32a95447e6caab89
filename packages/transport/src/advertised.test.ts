import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { suite, test } from 'node:test';
import { formatAddress, InvalidValueError, parseAddress } from '@shoal/core';
import { advertisedAddress } from './advertised.ts';
import { Endpoint } from './endpoint.ts';
import { identity, linkedPair, Recorder, startNode } from './testing/node.ts';

const bound = { host: '10.0.0.1', port: 7021 };

const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));

suite('advertised address', () => {
  test('as given, or completed from where the node listens', () => {
    assert.equal(advertisedAddress('', bound), '10.0.0.1:7021');
    assert.equal(advertisedAddress('node-1.example:0', bound), 'node-1.example:7021');
    assert.equal(advertisedAddress('192.0.2.1:7777', bound), '192.0.2.1:7777');
    assert.equal(advertisedAddress('[2001:db8::1]:0', bound), '[2001:db8::1]:7021');
    assert.equal(advertisedAddress('', { host: '::1', port: 5 }), '[::1]:5');
  });

  test('what nobody could dial is refused', () => {
    for (const host of ['0.0.0.0', '::'])
      assert.throws(() => advertisedAddress('', { host, port: 1 }), InvalidValueError);
    assert.throws(() => advertisedAddress('nowhere', bound), InvalidValueError);
  });

  test('an endpoint that cannot start leaves no listener', async () => {
    const options = { identity: identity(), handler: new Recorder() };
    await assert.rejects(Endpoint.listen({ ...options, listen: { host: '0.0.0.0', port: 0 } }), InvalidValueError);
    await using node = await startNode();
    await assert.rejects(Endpoint.listen({ ...options, listen: node.address }), { code: 'EADDRINUSE' });
  });

  test('peers reach each other over IPv6', { skip: !hasIpv6 && 'there is no ::1 here' }, async () => {
    const listen = { host: '::1', port: 0 };
    await using pair = await linkedPair({ up: { listen }, down: { listen } });
    assert.equal(pair.downLink.remote.address, `[::1]:${pair.up.address.port}`);
    assert.deepEqual(parseAddress(formatAddress(pair.up.address)), pair.up.address);
    pair.upLink.openData();
    await pair.up.seen.until('a data connection to the advertised address', () => pair.upLink.dataReady);
  });
});
