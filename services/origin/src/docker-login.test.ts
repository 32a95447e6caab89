import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KiB } from '@shoal/core';
import bcrypt from 'bcryptjs';
import { it } from 'node:test';
import { buildImage, imageId, removeImage } from '../../../test/support/docker.ts';
import { requireDocker } from '../../../test/support/external.ts';
import { run } from '../../../test/support/run.ts';
import { startOrigin, temporaryFolder } from './testing/test-origin.ts';

it('docker pulls without a login, and pushes with one only', { skip: requireDocker() }, async () => {
  await using folder = await temporaryFolder();
  const htpasswdFile = join(folder.path, 'htpasswd');
  writeFileSync(htpasswdFile, `alice:${bcrypt.hashSync('secret', 4)}\n`);
  await using test = await startOrigin({ auth: { htpasswdFile } });
  const registry = `127.0.0.1:${test.origin.addresses.registry.port}`;
  // Logins are kept in a folder of their own; whatever the caller is logged in to stays as it is.
  const docker = (...args: string[]): Promise<string> =>
    run('docker', args, { env: { DOCKER_CONFIG: folder.path }, timeoutMs: 60_000 });
  const login = (password: string): Promise<string> =>
    docker('login', '--username', 'alice', '--password', password, registry);
  const name = `${registry}/team/app:1`;
  await buildImage(name, [300 * KiB, 1000]);
  const id = await imageId(name);
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => removeImage(id).catch(() => undefined));

  await assert.rejects(docker('push', name), /denied/);
  await assert.rejects(login('wrong'), /the user name, password or token is not valid/);
  await login('secret');
  await docker('push', '--quiet', name);
  await docker('logout', registry);
  await removeImage(id);
  await docker('pull', '--quiet', name);
  assert.equal(await imageId(name), id);
  await docker('tag', name, `${registry}/team/app:2`);
  await assert.rejects(docker('push', `${registry}/team/app:2`), /denied/);
});
