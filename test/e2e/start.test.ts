import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { freePortBase } from '../../deploy/local/src/index.ts';
import { isPortFree } from '../../deploy/local/src/cluster/ports.ts';
import { Background } from '../support/run.ts';

const script = path.join(import.meta.dirname, '../../deploy/local/src/start.ts');

/** The process that runs with this file as its configuration; there is no other way to name it from outside. */
const pidOf = (configFile: string): number => {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(configFile)) return Number(pid);
    } catch {
      // It ended while the list was read.
    }
  }
  throw new Error(`no process runs with ${configFile}`);
};

describe('npm start', () => {
  let data: string;
  let basePort: number;

  before(async () => {
    data = await mkdtemp(path.join(tmpdir(), 'shoal-start-'));
    basePort = await freePortBase(5);
  });
  after(() => rm(data, { recursive: true, force: true }));

  const start = (...args: string[]): Background =>
    new Background(process.execPath, [script, '--data', data, '--base-port', String(basePort), ...args]);

  test('says what to type next, answers, and stops with 0 on Ctrl-C', async () => {
    await using launcher = start('--agents', '2');
    await launcher.printed(/Ctrl-C stops everything/);
    assert.match(launcher.text, new RegExp(`docker push 127\\.0\\.0\\.1:${basePort}/team/app:1`));
    assert.match(launcher.text, new RegExp(`docker pull 127\\.0\\.0\\.1:${basePort + 30}/team/app:1`));
    for (const port of [basePort, basePort + 20, basePort + 30]) {
      assert.equal((await fetch(`http://127.0.0.1:${port}/v2/`)).status, 200);
    }
    for (const port of [basePort + 2, basePort + 12, basePort + 22]) {
      assert.equal((await fetch(`http://127.0.0.1:${port}/readyz`)).status, 200);
    }
    launcher.child.kill('SIGINT');
    assert.equal(await launcher.exited, 0);
    assert.match(launcher.text, /Stopped\./);
    for (const port of [basePort, basePort + 10, basePort + 20]) assert.equal(await isPortFree(port), true);
  });

  test('names a port that is in use and starts nothing', async () => {
    const taken = createServer().listen(basePort + 21, '127.0.0.1');
    await once(taken, 'listening');
    await using launcher = start('--agents', '2');
    assert.equal(await launcher.exited, 1);
    assert.match(launcher.text, new RegExp(`in use already: 127\\.0\\.0\\.1:${basePort + 21} \\(agent-1, pieces\\)`));
    taken.close();
  });

  test('tells which process died, with its last lines, and how to start it again; the others go on', async () => {
    await using launcher = start('--agents', '1');
    await launcher.printed(/Ctrl-C stops everything/);
    process.kill(pidOf(path.join(data, 'agent-1/config.yaml')), 'SIGKILL');
    await launcher.printed(/The others go on/);
    assert.match(launcher.text, /agent-1 was ended by SIGKILL\. Its last lines:\n.*ready/);
    assert.match(launcher.text, /agent\/src\/main\.ts --config .*agent-1\/config\.yaml/);
    assert.equal((await fetch(`http://127.0.0.1:${basePort}/v2/`)).status, 200);
    launcher.child.kill('SIGINT');
    assert.equal(await launcher.exited, 0);
  });

  test('ends with an error when every process has ended', async () => {
    await using launcher = start('--agents', '1');
    await launcher.printed(/Ctrl-C stops everything/);
    for (const name of ['agent-1', 'tracker', 'origin']) {
      process.kill(pidOf(path.join(data, `${name}/config.yaml`)), 'SIGKILL');
    }
    assert.equal(await launcher.exited, 1);
  });

  test('refuses options out of range', async () => {
    await using launcher = start('--agents', '0');
    assert.equal(await launcher.exited, 1);
    assert.match(launcher.text, /allowed is a whole number from 1 to 48/);
  });
});
