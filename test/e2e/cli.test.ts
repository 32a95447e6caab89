import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { MiB } from '@shoal/core';
import { clusterAuth, clusterFetchJson } from '@shoal/service/client';
import { planLayers } from '../../deploy/local/src/demo/image.ts';
import { pushImage } from '../../deploy/local/src/demo/push.ts';
import { runCli } from '../../packages/cli/src/cli.ts';
import { testCluster, type TestCluster } from '../support/cluster.ts';

const secret = 'a secret of this test alone';
let shoal: TestCluster;
let where: string[];

before(async () => {
  shoal = await testCluster({ agents: 2, secret });
  process.env['SHOAL_CLUSTER_SECRET'] = secret;
  const { origin, trackers, agents } = shoal.cluster;
  where = ['--origin', origin.url, '--tracker', trackers[0]!.url, ...agents.flatMap(({ url }) => ['--agent', url])];
});

after(async () => shoal[Symbol.asyncDispose]());

/** What the commands print with --json, as far as these tests look at it. */
interface Answer {
  readonly bytes: number;
  readonly verified: readonly { readonly digest: string }[];
  readonly processes: readonly { readonly figures: { readonly cacheBlobs?: number } }[];
  readonly proof: { readonly fromPeers: number; readonly fromOrigins: number; readonly servedToClients: number };
  readonly size: number;
  readonly digest: string;
  readonly reason: string;
  readonly problems: number;
  readonly findings: readonly { readonly mend?: string }[];
  readonly state: string;
  readonly counts: Readonly<Record<string, number>>;
}

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const cli = async (argv: readonly string[]): Promise<Ran> => {
  const lines = { out: [] as string[], err: [] as string[] };
  const code = await runCli(argv, { out: (text) => lines.out.push(text), err: (text) => lines.err.push(text) });
  const [out, err] = [lines.out.join('\n'), lines.err.join('\n')];
  assert.ok(!`${out}${err}`.includes(secret), 'the secret is not printed');
  return { code, out, err };
};

const json = async (...argv: string[]): Promise<{ code: number; value: Answer }> => {
  const { code, out } = await cli([...argv, ...where, '--json']);
  return { code, value: JSON.parse(out) as Answer };
};

test('pull verifies an image through an agent, and status proves where the bytes came from', async () => {
  const { origin, agents } = shoal.cluster;
  const image = await pushImage(origin.url, {
    repository: 'team/app',
    tag: '1',
    layers: planLayers(6 * MiB, 2),
    seed: 'cli',
  });
  const first = await json('pull', 'team/app:1');
  assert.deepEqual([first.code, first.value.bytes], [0, image.size]);
  const digests = first.value.verified.map(({ digest }) => digest);
  for (const { digest } of image.layers) assert.ok(digests.includes(digest));
  const again = await cli([
    'pull',
    `${origin.registry}/team/app@${image.manifestDigest}`,
    '--origin',
    origin.url,
    '--agent',
    agents[1]!.url,
  ]);
  assert.equal(again.code, 0, again.err);

  const status = await json('status');
  assert.equal(status.code, 0);
  assert.equal(status.value.processes.length, 4);
  const { proof } = status.value;
  assert.ok(proof.fromPeers > 0, 'the second agent got bytes from the first');
  assert.ok(proof.fromPeers + proof.fromOrigins >= 2 * 6 * MiB);
  assert.equal(proof.servedToClients >= 2 * 6 * MiB, true);
  const text = await cli(['status', ...where]);
  assert.match(text.out, /2 of 2 agents ready; version 0\.1\.0/);
});

/** Until so many agents can be asked: a tracker knows them by their first heartbeat, about a second after their start. */
const heardOf = async (agents: number): Promise<void> => {
  const [auth, url] = [clusterAuth(secret), `${shoal.cluster.trackers[0]!.url}/shoal/v1/nodes`];
  for (let attempt = 0; attempt < 300; attempt++) {
    const { nodes } = (await clusterFetchJson(auth, url, { timeoutMs: 5000 })) as { nodes: unknown[] };
    if (nodes.length >= agents) return;
    await pause(100);
  }
  assert.fail(`the tracker did not hear of ${agents} agents`);
};

test('preheat gets an image into the caches of all nodes', async () => {
  const { origin } = shoal.cluster;
  await pushImage(origin.url, { repository: 'team/warm', tag: '1', layers: planLayers(MiB, 1), seed: 'warm' });
  const before = (await json('status')).value.processes.map(({ figures }) => figures.cacheBlobs ?? 0);
  await heardOf(2);
  const { code, value } = await json('preheat', 'team/warm:1', '--wait', '--id', 'warm-1');
  assert.deepEqual([code, value.state, value.counts?.['done']], [0, 'done', 2], JSON.stringify(value));
  const after = (await json('status')).value.processes.map(({ figures }) => figures.cacheBlobs ?? 0);
  assert.deepEqual(
    after.slice(2),
    before.slice(2).map((count: number) => count + 3),
  );
  assert.equal((await json('preheat', 'team/warm:1', '--id', 'warm-1')).value.state, 'done');
  const refused = await json('preheat', 'team/warm:1', '--nodes', 'host=a');
  assert.equal(refused.code, 1);
  assert.match(refused.value.reason, /allowed are terms with commas/);
});

test('what is not there is a failure that says so', async () => {
  const { code, value } = await json('pull', 'team/app:none');
  assert.equal(code, 1);
  assert.match(value.reason, /MANIFEST_UNKNOWN/);
});

test('a blob is stored, described and fetched', async () => {
  const [file, copy] = [path.join(shoal.folder, 'blob'), path.join(shoal.folder, 'copy')];
  await writeFile(file, randomBytes(3 * MiB));
  const put = await json('blob', 'put', 'data/models', file);
  assert.deepEqual([put.code, put.value.size], [0, 3 * MiB]);
  const got = await json('blob', 'get', 'data/models', put.value.digest, '--output', copy);
  assert.equal(got.code, 0);
  assert.deepEqual(await readFile(copy), await readFile(file));
  const stat = await json('blob', 'stat', 'data/models', put.value.digest);
  assert.deepEqual([stat.code, stat.value.size], [0, 3 * MiB]);
});

test('doctor is content with a healthy cluster, and names what is wrong with another', async () => {
  const healthy = await json('doctor', '--root', shoal.folder);
  assert.deepEqual([healthy.code, healthy.value.problems], [0, 0], JSON.stringify(healthy.value));
  process.env['SHOAL_CLUSTER_SECRET'] = 'the secret of another cluster';
  const stranger = await json('doctor', '--root', shoal.folder);
  process.env['SHOAL_CLUSTER_SECRET'] = secret;
  assert.equal(stranger.code, 1);
  assert.ok(stranger.value.findings.some(({ mend = '' }) => /same cluster.secret/.test(mend)));
  const dead = await cli(['doctor', '--root', shoal.folder, '--agent', 'http://127.0.0.1:1', ...where]);
  assert.equal(dead.code, 1);
  assert.match(dead.out, /problem +agent http:\/\/127\.0\.0\.1:1 .*nothing listens there/);
});

test("an agent's configuration tells where the cluster is", async () => {
  const { configFile } = shoal.cluster.agents[0]!.layout;
  delete process.env['SHOAL_CLUSTER_SECRET'];
  const { code, out } = await cli(['status', '--config', configFile]);
  process.env['SHOAL_CLUSTER_SECRET'] = secret;
  assert.equal(code, 0);
  assert.match(out, /1 of 1 agents ready/);
});

test('rm takes an image away at the origin and from the caches, gc frees its space, and what is pinned stays', async () => {
  const { origin } = shoal.cluster;
  const image = await pushImage(origin.url, {
    repository: 'team/old',
    tag: '1',
    layers: planLayers(2 * MiB, 2),
    seed: 'rm',
  });
  const [layer = ''] = image.layers.map(({ digest }) => digest);
  await json('preheat', 'team/old:1', '--wait');
  assert.equal((await cli(['cache', 'pin', layer, ...where])).code, 0);
  assert.match((await cli(['cache', 'ls', ...where])).out, new RegExp(`${layer} .* pinned`));
  const refused = await cli(['cache', 'rm', layer, ...where]);
  assert.deepEqual([refused.code, /is pinned/.test(refused.err)], [3, true]);

  const tag = await cli(['rm', 'team/old:1', ...where]);
  assert.match(tag.out, /removed the tag 1 of team\/old; the image stays as team\/old@sha256:/);
  const unknown = await cli(['rm', 'team/old:1', ...where]);
  assert.match(unknown.err, /answered 404: repository team\/old has no manifest 1 \(MANIFEST_UNKNOWN\)$/);
  assert.equal(unknown.code, 1);
  const gone = await cli(['rm', `team/old@${image.manifestDigest}`, '--purge', '--wait', ...where]);
  assert.equal(gone.code, 0, gone.err);
  assert.match(gone.out, /nodes: 2 done/);
  assert.match(gone.out, /1 pinned blobs stay/);
  const cached = (await cli(['cache', 'ls', ...where])).out;
  assert.ok(cached.includes(layer));
  for (const { digest } of image.layers.slice(1)) assert.ok(!cached.includes(digest));
  const dry = JSON.parse((await cli(['gc', '--dry-run', '--grace', '0s', '--json', ...where])).out) as {
    freedBytes: number;
  }[];
  const freed = JSON.parse((await cli(['gc', '--grace', '0s', '--json', ...where])).out) as { freedBytes: number }[];
  assert.ok((freed[0]?.freedBytes ?? 0) >= 2 * MiB);
  assert.equal(dry[0]?.freedBytes, freed[0]?.freedBytes);
});

const hasScript = spawnSync('script', ['--version']).status === 0;

test(
  'top draws on a terminal and gives it back; without one it prints lines',
  { skip: !hasScript && 'needs script' },
  async () => {
    const main = path.join(import.meta.dirname, '../../packages/cli/src/main.ts');
    const line = [process.execPath, main, 'top', ...where].join(' ');
    const env = { ...process.env, TERM: 'xterm' };
    const terminal = spawn('script', ['-qec', line, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    let shown = '';
    terminal.stdout.on('data', (bytes: Buffer) => {
      if (!shown.includes('SWARMS') && `${shown}${bytes}`.includes('SWARMS')) terminal.stdin.write('q');
      shown += bytes.toString();
    });
    const [code] = (await once(terminal, 'exit')) as [number];
    assert.equal(code, 0, shown);
    assert.ok(
      shown.includes('\u001b[?1049h') && shown.trimEnd().endsWith('\u001b[?1049l'),
      'it leaves the other screen',
    );
    assert.match(shown, /shoal top .* UTC .*q quits/);

    const atOnce = await cli(['top', '--once', ...where]);
    assert.match(atOnce.out, /2 nodes, .* swarms?; down /);
    const { overview, nodes } = JSON.parse((await cli(['top', '--json', ...where])).out) as {
      overview: object;
      nodes: object[];
    };
    assert.ok(overview && nodes.length === 2);
    const lines = spawn(process.execPath, [main, 'top', ...where], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [first] = (await once(lines.stdout, 'data')) as [Buffer];
    assert.match(first.toString(), /^\d{4}-.*Z 2 nodes, /);
    lines.kill();
  },
);
