import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Readable } from 'node:stream';

const program = fileURLToPath(new URL('small-service.ts', import.meta.url));

const start = (env: Record<string, string> = {}, args: readonly string[] = []) => {
  const child = spawn(process.execPath, [program, ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc', 'pipe'],
  });
  const stdout = text(child.stdout as Readable);
  const stderr = text(child.stderr as Readable);
  const ended = once(child, 'exit').then(async ([code]) => ({
    code: code as number,
    stdout: await stdout,
    stderr: await stderr,
  }));
  const message = async (): Promise<Record<string, unknown>> =>
    ((await once(child, 'message')) as [Record<string, unknown>])[0];
  return { child, ended, message };
};

const events = (stdout: string): Record<string, unknown>[] =>
  stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('runService', { concurrency: 2, timeout: 60_000 }, () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`tells that it is ready, and ends with 0 after ${signal}`, async () => {
      const { child, ended, message } = start({ SHOAL_READY_FD: '4' });
      const ready = text(child.stdio[4] as Readable);
      const sent = await message();
      assert.equal(sent['type'], 'ready');
      const { admin } = sent['addresses'] as { admin: { host: string; port: number } };
      assert.equal((await fetch(`http://127.0.0.1:${admin.port}/readyz`)).status, 200);
      assert.deepEqual(JSON.parse(await ready), sent);
      child.kill(signal);
      const { code, stdout } = await ended;
      assert.equal(code, 0);
      assert.deepEqual(
        events(stdout).map(({ msg }) => msg),
        ['ready', 'stopping', 'stopped'],
      );
    });
  }

  it('ends when the process that started it is gone', async () => {
    const { child, ended, message } = start();
    await message();
    child.disconnect();
    const { code, stdout } = await ended;
    assert.equal(code, 0);
    assert.equal(events(stdout).at(-1)?.['msg'], 'stopped');
  });

  it('ends with 2 and every problem of the configuration', async () => {
    const { code, stderr } = await start({ SHOAL_SMALL_ADMIN_PORT: 'x', SHOAL_SMALL_LOG_LEVEL: 'loud' }).ended;
    assert.equal(code, 2);
    assert.match(stderr, /2 problems:\n {2}log\.level: "loud".*\n {2}admin\.port: "x"/);
  });

  it('ends with 2 for a file that is absent, named by flag or variable', async () => {
    const [flag, variable] = await Promise.all([
      start({}, ['--config', '/nowhere.yaml']).ended,
      start({ SHOAL_CONFIG: '/nowhere.yaml' }).ended,
    ]);
    for (const { code, stderr } of [flag, variable]) {
      assert.equal(code, 2);
      assert.match(stderr, /config file: "\/nowhere\.yaml"/);
    }
  });

  it('ends with 2 for a flag that is unknown, with the usage', async () => {
    const { code, stderr } = await start({}, ['--prot', '3']).ended;
    assert.equal(code, 2);
    assert.match(stderr, /--prot[\s\S]*usage: small \[--config FILE\]/);
  });

  it('prints help and version, and checks a configuration without starting', async () => {
    const [help, version, good, bad] = await Promise.all([
      start({}, ['--help']).ended,
      start({}, ['--version']).ended,
      start({}, ['--check']).ended,
      start({ SHOAL_SMALL_BEHAVIOUR: 'x' }, ['--check']).ended,
    ]);
    assert.match(help.stdout, /admin\.port {2}\(SHOAL_SMALL_ADMIN_PORT\)/);
    assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
    assert.deepEqual([help.code, version.code, good.code, bad.code], [0, 0, 0, 2]);
    assert.match(good.stdout, /is valid/);
  });

  it('names a port in use and its key, and ends with 1', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as AddressInfo;
    const { code, stdout } = await start({ SHOAL_SMALL_ADMIN_PORT: String(port) }).ended;
    holder.close();
    assert.equal(code, 1);
    const [event] = events(stdout);
    assert.match(
      String(event?.['reason']),
      new RegExp(`^admin\\.port: cannot listen on 127\\.0\\.0\\.1:${port}: the port is in use`),
    );
  });

  for (const [behaviour, reason] of [
    ['throws', 'out of the blue'],
    ['rejects', 'nobody caught it'],
    ['failsToStart', 'it does not want to'],
  ] as const) {
    it(`logs what went wrong and ends with 1: ${behaviour}`, async () => {
      const { code, stdout } = await start({ SHOAL_SMALL_BEHAVIOUR: behaviour }).ended;
      assert.equal(code, 1);
      const last = events(stdout).at(-1);
      assert.equal(last?.['level'], 'fatal');
      assert.equal((last?.['err'] as { message: string } | undefined)?.message, reason);
    });
  }

  it('ends with 1 when the stop fails', async () => {
    const { child, ended, message } = start({ SHOAL_SMALL_BEHAVIOUR: 'failsToStop' });
    await message();
    child.kill('SIGTERM');
    const { code, stdout } = await ended;
    assert.equal(code, 1);
    assert.match(stdout, /the disk is gone/);
  });

  it('ends at a second signal, or when the stop takes too long', async () => {
    const twice = start({ SHOAL_SMALL_BEHAVIOUR: 'hangsOnStop' });
    const late = start({ SHOAL_SMALL_BEHAVIOUR: 'hangsOnStop', SHOAL_SMALL_STOP_TIMEOUT_MS: '1s' });
    await Promise.all([twice.message(), late.message()]);
    late.child.kill('SIGTERM');
    twice.child.kill('SIGTERM');
    await once(twice.child.stdout as Readable, 'data');
    while (twice.child.exitCode === null) {
      twice.child.kill('SIGTERM');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.deepEqual([(await twice.ended).code, (await late.ended).code], [1, 1]);
    assert.match((await twice.ended).stdout, /second signal/);
    assert.match((await late.ended).stdout, /took too long/);
  });

  it('stops while it still starts', async () => {
    const { child, ended, message } = start({ SHOAL_SMALL_BEHAVIOUR: 'slowToStart' });
    await message();
    child.kill('SIGTERM');
    assert.equal((await ended).code, 0);
  });
});
