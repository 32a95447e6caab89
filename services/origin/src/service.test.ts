import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Origin } from './service.ts';
import { startOrigin, temporaryFolder, testConfig } from './testing/test-origin.ts';

describe('the life of an origin', () => {
  it('is ready when it listens, and keeps its identity over a restart', async () => {
    await using first = await startOrigin();
    const ready = await fetch(`${first.adminUrl}/readyz`);
    assert.equal(ready.status, 200);
    const cluster = (await first.client.call('GET', '/shoal/v1/cluster')).json();
    await using again = await first.restart();
    const after = (await again.client.call('GET', '/shoal/v1/cluster')).json();
    assert.deepEqual({ ...after, piecesAddress: '' }, { ...cluster, piecesAddress: '' });
  });

  it('ends bodies that still run with FIN, and stops', async () => {
    await using test = await startOrigin({ stop: { timeoutMs: '1s' } });
    const digest = await test.client.pushBlob('stop/app', randomBytes(32_000_000));
    const socket = connect(test.origin.addresses.registry.port, '127.0.0.1');
    socket.write(`GET /v2/stop/app/blobs/${digest} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await once(socket, 'readable');
    await test.origin.stop();
    let received = 0;
    socket.on('data', (chunk: Buffer) => void (received += chunk.length));
    await once(socket, 'end');
    assert.ok(received > 0 && received < 32_000_000);
  });

  it('names the key of a port that is in use, and leaves nothing behind', async () => {
    await using test = await startOrigin();
    for (const name of ['registry', 'pieces', 'admin', 'debug'] as const) {
      const { port } = test.origin.addresses[name];
      const config = testConfig(`${test.folder}/other`, { [name]: { port } });
      await assert.rejects(Origin.start(config), {
        code: 'LISTEN_FAILED',
        message: new RegExp(`^${name}\\.port: .*${port}`),
      });
    }
    const config = testConfig(`${test.folder}/other`);
    await using other = await Origin.start(config);
    assert.notDeepEqual(other.addresses, test.origin.addresses);
  });

  it('names a folder that cannot be used', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'file');
    writeFileSync(file, '');
    for (const unusable of [file, join(file, 'below')]) {
      await assert.rejects(Origin.start(testConfig(unusable)), {
        code: 'FOLDER_UNUSABLE',
        message: new RegExp(`^folder: ${unusable} can't be used: E`),
      });
    }
  });

  it('does not share its folder', async () => {
    await using test = await startOrigin();
    await assert.rejects(Origin.start(testConfig(test.folder)), { code: 'FOLDER_IN_USE' });
  });
});
