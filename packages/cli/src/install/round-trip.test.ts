import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'smol-toml';
import { type Wanted } from '../install/plan.ts';
import { containerd } from '../runtimes/containerd.ts';
import { docker } from '../runtimes/docker.ts';
import { podman } from '../runtimes/registries-conf.ts';
import { fileMode, hostFiles, installLine } from '../testing/arbitraries.ts';
import { TestHost } from '../testing/host.ts';
import { HostTree } from './host-tree.ts';
import { HostWriter } from './host-writer.ts';
import { Installation } from './installation.ts';

const succeeded = ({ code, err }: { code: number; err: string }): void => assert.equal(code, 0, err);

test('uninstall brings back every byte, mode and owner, and removes what the install made', async () => {
  await fc.assert(
    fc.asyncProperty(
      hostFiles,
      fileMode,
      fc.array(installLine, { minLength: 1, maxLength: 4 }),
      async (files, mode, lines) => {
        await using host = await TestHost.create(files, mode);
        const before = await host.snapshot();
        for (const line of lines) succeeded(await host.shoal('install', ...line));
        for (const line of lines) succeeded(await host.shoal('uninstall', line[0] ?? ''));
        assert.deepEqual(await host.snapshot(), before);
      },
    ),
    { numRuns: 30 },
  );
});

test('a second install with the same flags changes nothing and says so; a dry run never does', async () => {
  await fc.assert(
    fc.asyncProperty(hostFiles, installLine, async (files, line) => {
      await using host = await TestHost.create(files);
      const untouched = await host.snapshot();
      succeeded(await host.shoal('install', ...line, '--dry-run'));
      assert.deepEqual(await host.snapshot(), untouched);
      succeeded(await host.shoal('install', ...line));
      const installed = await host.snapshot();
      const again = await host.shoal('install', ...line, '--json');
      assert.equal((JSON.parse(again.out) as { result: string }).result, 'nothing to do');
      succeeded(await host.shoal('uninstall', line[0] ?? '', '--dry-run'));
      assert.deepEqual(await host.snapshot(), installed);
    }),
    { numRuns: 20 },
  );
});

test('an install that replaces another leaves what it alone would have left', async () => {
  const withoutState = (all: Readonly<Record<string, string>>): object =>
    Object.fromEntries(Object.entries(all).filter(([file]) => !file.startsWith('var')));
  await fc.assert(
    fc.asyncProperty(hostFiles, installLine, installLine, async (files, first, second) => {
      fc.pre(first[0] === second[0]);
      await using replaced = await TestHost.create(files);
      await using fresh = await TestHost.create(files);
      for (const line of [first, second]) succeeded(await replaced.shoal('install', ...line));
      succeeded(await fresh.shoal('install', ...second));
      const left = withoutState(await replaced.snapshot());
      for (const [file, content] of Object.entries(withoutState(await fresh.snapshot())))
        assert.equal((left as Record<string, string>)[file], content, file);
    }),
    { numRuns: 20 },
  );
});

const wanted: Wanted = { agent: new URL('http://127.0.0.1:7020'), registries: ['docker.io', 'ghcr.io'] };
const narrower: Wanted = { ...wanted, registries: ['docker.io'] };

test('an install killed anywhere, then taken back, leaves the files as they were', async () => {
  const runtimes = fc.constantFrom(containerd, docker, podman);
  await fc.assert(
    fc.asyncProperty(hostFiles, runtimes, fc.nat(16), fc.nat(16), async (files, runtime, first, second) => {
      await using host = await TestHost.create(files);
      const before = await host.regularFiles();
      for (const [steps, what] of [
        [first, wanted],
        [second, narrower],
      ] as const) {
        await dyingAfter(steps, host, runtime.owner, (one) => one.install((view) => runtime.plan(view, what)));
      }
      await dyingAfter(second, host, runtime.owner, (one) => one.uninstall());
      succeeded(await host.shoal('uninstall', runtime.name));
      assert.deepEqual(await host.regularFiles(), before);
    }),
    { numRuns: 60 },
  );
});

class Crash extends Error {}

const dyingAfter = async (
  steps: number,
  host: TestHost,
  owner: string,
  change: (installation: Installation) => Promise<unknown>,
): Promise<void> => {
  let left = steps;
  const tree = new HostTree(host.root);
  const writer = new HostWriter(tree, () => {
    left--;
    if (left < 0) throw new Crash();
  });
  try {
    await change(await Installation.open(tree, owner, writer));
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
  }
};

interface Tables {
  readonly plugins: Record<string, Record<string, Record<string, string>>>;
}

test('containerd finds config_path, and everything else in its configuration is as it was', async () => {
  await fc.assert(
    fc.asyncProperty(hostFiles, async (files) => {
      await using host = await TestHost.create(files);
      const file = '/etc/containerd/config.toml';
      const old = parse(files[file] ?? '');
      succeeded(await host.shoal('install', 'containerd'));
      const text = (await host.text(file)) ?? '';
      const plugin = (old['version'] ?? 2) === 2 ? 'io.containerd.grpc.v1.cri' : 'io.containerd.cri.v1.images';
      const expected = structuredClone({ version: 2, plugins: {}, ...old }) as Tables;
      const section = ((expected.plugins[plugin] ??= {})['registry'] ??= {});
      section['config_path'] = '/etc/containerd/certs.d';
      assert.deepEqual(JSON.parse(JSON.stringify(parse(text))), JSON.parse(JSON.stringify(expected)));
      for (const [comment] of (files[file] ?? '').matchAll(/#.*/g)) assert.ok(text.includes(comment), comment);
    }),
    { numRuns: 50 },
  );
});
