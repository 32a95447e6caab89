import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { Bitfield, decodeMetainfo, type Digest, parsePeerId, type SignedMetainfo } from '@shoal/core';
import { type DownloadBlob, Exchange } from '@shoal/exchange';
import { sha256 } from '@shoal/store';
import { startOrigin, type TestOrigin } from '../testing/test-origin.ts';

/** A download into memory. */
const memoryBlob = (signed: SignedMetainfo): DownloadBlob & { readonly bytes: Buffer } => {
  const { size, pieceHashes } = signed.metainfo;
  const bytes = Buffer.alloc(size);
  const have = new Bitfield(pieceHashes.length);
  return {
    metainfo: signed.metainfo,
    bytes,
    have,
    writeSync: (chunk, position) => bytes.set(chunk, position),
    markPiece: (index) => void have.set(index),
    readInto: (buffer, position) => bytes.copy(buffer, 0, position),
  };
};

const startAgent = (): Promise<Exchange> =>
  Exchange.start({
    identity: {
      peerId: parsePeerId(randomBytes(20).toString('hex')),
      incarnation: 1,
      role: 'agent',
      zone: '',
      clusterId: 'shoal',
      address: '',
    },
    listen: { host: '127.0.0.1', port: 0 },
  });

const metainfoOf = async (test: TestOrigin, repository: string, digest: Digest): Promise<SignedMetainfo> =>
  decodeMetainfo(
    (await test.client.call('GET', `/shoal/v1/metainfo/${digest}?repository=${repository}`)).bytes,
    sha256,
  );

/** Fetches a blob through the origin's piece listener alone. */
const fetchFrom = async (test: TestOrigin, agent: Exchange, signed: SignedMetainfo): Promise<Buffer> => {
  const blob = memoryBlob(signed);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const download = agent.download(blob, {
    on: { complete: resolve, noSources: () => reject(new Error('no sources')), failed: reject },
  });
  download.addOrigin(test.origin.addresses.pieces);
  try {
    await promise;
  } finally {
    await download.stop();
  }
  return blob.bytes;
};

describe('seeding', () => {
  it('serves blobs and manifests to agents that join, old ones after a restart as well', async () => {
    await using first = await startOrigin();
    const bytes = randomBytes(2_500_000);
    const layer = await first.client.pushBlob('seed/app', bytes);
    const { digest, text } = await first.client.pushImage('seed/app', 'v1');
    const fetchBoth = async (test: TestOrigin): Promise<void> => {
      await using agent = await startAgent();
      for (const [content, expected] of [
        [layer, bytes],
        [digest, Buffer.from(text)],
      ] as const) {
        assert.deepEqual(await fetchFrom(test, agent, await metainfoOf(test, 'seed/app', content)), expected);
      }
    };
    await fetchBoth(first);
    await using again = await first.restart();
    await fetchBoth(again);
  });

  it('keeps no more blobs open than it may, and serves all of them', async () => {
    await using test = await startOrigin({ seeding: { openMax: 2 } });
    await using agent = await startAgent();
    for (let round = 0; round < 5; round++) {
      const bytes = randomBytes(1000 + round);
      const digest = await test.client.pushBlob('seed/many', bytes);
      assert.deepEqual(await fetchFrom(test, agent, await metainfoOf(test, 'seed/many', digest)), bytes);
    }
    const text = await (await fetch(`${test.adminUrl}/metrics`)).text();
    assert.match(text, /^shoal_origin_seeding_blobs 2$/m);
    assert.match(text, /^shoal_origin_sent_bytes_total\{to="swarm"\} 5010$/m);
  });

  it('stops with the deletion of the blob', async () => {
    await using test = await startOrigin();
    await using agent = await startAgent();
    const digest = await test.client.pushBlob('seed/gone', randomBytes(1000));
    const signed = await metainfoOf(test, 'seed/gone', digest);
    await fetchFrom(test, agent, signed);
    await test.client.call('DELETE', `/v2/seed/gone/blobs/${digest}`);
    await assert.rejects(fetchFrom(test, agent, signed), /no sources/);
  });

  it('lets an agent in while hundreds of others are in the middle of their handshake', async () => {
    await using test = await startOrigin();
    await using agent = await startAgent();
    const bytes = randomBytes(300_000);
    const digest = await test.client.pushBlob('seed/crowd', bytes);
    const { host, port } = test.origin.addresses.pieces;
    const crowd = Array.from({ length: 300 }, () => connect({ host, port }));
    // Its CHALLENGE says that the origin has accepted the connection.
    await Promise.all(crowd.map((socket) => once(socket, 'data')));
    assert.deepEqual(await fetchFrom(test, agent, await metainfoOf(test, 'seed/crowd', digest)), bytes);
    for (const socket of crowd) socket.destroy();
  });

  it('answers records: metainfo, tags and small blobs', async () => {
    await using test = await startOrigin();
    await using agent = await startAgent();
    const { digest, text } = await test.client.pushImage('seed/rec', 'v1');
    const link = await agent.connect(test.origin.addresses.pieces);
    const ask = (kind: 'metainfo' | 'tag' | 'blob', key: string, repository: string) =>
      agent.askRecord(link, { kind, key, repository }, 5_000);
    const metainfo = await ask('metainfo', digest, 'seed/rec');
    assert.equal(metainfo && decodeMetainfo(metainfo, sha256).metainfo.digest, digest);
    assert.equal(Buffer.from((await ask('blob', digest, '')) ?? []).toString(), text);
    const tag = await ask('tag', 'v1', 'seed/rec');
    assert.deepEqual(
      Buffer.from(tag ?? []),
      (await test.client.call('GET', '/shoal/v1/tags/v1?repository=seed/rec')).bytes,
    );
    for (const [kind, key, repository] of [
      ['metainfo', digest, 'seed/other'],
      ['blob', digest, 'seed/other'],
      ['tag', 'v2', 'seed/rec'],
    ] as const) {
      assert.equal(await ask(kind, key, repository), undefined);
    }
  });
});
