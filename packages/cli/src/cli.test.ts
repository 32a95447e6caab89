import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { runCli } from './cli.ts';
import { commands } from './commands.ts';
import { version } from './version.ts';

const shoal = async (...argv: string[]): Promise<{ code: number; out: string; err: string }> => {
  const lines = { out: [] as string[], err: [] as string[] };
  const code = await runCli(argv, { out: (text) => lines.out.push(text), err: (text) => lines.err.push(text) });
  return { code, out: lines.out.join('\n'), err: lines.err.join('\n') };
};

test('help names every command, and the help of a command every flag', async () => {
  const { code, out } = await shoal('--help');
  assert.equal(code, 0);
  for (const { name, flags } of commands) {
    assert.match(out, new RegExp(`^  ${name} `, 'm'));
    const help = await shoal(name, '--help');
    assert.equal(help.code, 0);
    for (const flag of [...Object.keys(flags), 'json', 'help'])
      assert.match(help.out, new RegExp(`^  --${flag}\\b`, 'm'));
  }
  assert.deepEqual(await shoal('--version'), { code: 0, out: version, err: '' });
});

const mistakes: readonly (readonly [string, RegExp])[] = [
  ['', /no command is given; allowed are status, .*install, uninstall/],
  ['instal', /"instal" is not a command; allowed are status, .*install, uninstall/],
  ['install', /no runtime is given; allowed is one of containerd\|docker\|podman\|crio/],
  ['install rkt', /runtime: "rkt" is not allowed; allowed is one of containerd/],
  ['install docker podman', /"podman" is one argument too many/],
  ['install docker --regisry x', /--regisry is not a flag here; allowed are --agent, --registry/],
  ['uninstall docker --agent http://x', /--agent is not a flag here/],
  ['install docker --json=yes', /--json: "yes" is not allowed; it takes no value/],
  ['install docker --agent', /--agent is given without a value; it takes URL/],
  ['install docker --agent --dry-run', /--agent: "--dry-run" looks like a flag/],
  ['install docker --agent http://a --agent http://b', /--agent is given twice; allowed is once/],
  ['install docker --agent 127.0.0.1:7020', /--agent: "127.0.0.1:7020" is not allowed; allowed is http:\/\/host:port/],
  ['install docker --agent http://127.0.0.1:7020/v2', /--agent: .* without a path/],
  ['install docker --agent ftp://127.0.0.1', /--agent: "ftp:\/\/127.0.0.1" is not allowed/],
  ['install docker --agent http://u:p@127.0.0.1', /--agent: /],
  ['install podman', /--registry is missing; podman has no setting for every registry/],
  ['install docker --registry ghcr.io', /--registry: "ghcr.io" is not allowed; allowed is docker.io, the only one/],
  [
    'install containerd --registry https://ghcr.io',
    /--registry: "https:\/\/ghcr.io" is not allowed; allowed is a registry/,
  ],
  ['install containerd --registry ghcr.io/owner', /--registry: "ghcr.io\/owner" is not allowed/],
  ['install containerd --registry library', /--registry: "library" is not allowed/],
  ['install containerd --registry ../../etc', /--registry: "..\/..\/etc" is not allowed/],
  ['install containerd --registry index.docker.io', /allowed is docker.io, which is how images name Docker Hub/],
  ['status now', /"now" is one argument too many/],
  ['status --agent 127.0.0.1:7020', /--agent: "127.0.0.1:7020" is not allowed; allowed is http:\/\/host:port/],
  ['status --agent http://u:hush@127.0.0.1:7020', /--agent: a URL with a password is not allowed/],
  ['status --base-port 80', /--base-port: "80" is not allowed; allowed is 1024 to 60000/],
  ['status --config /no/such/file', /--config: "\/no\/such\/file" can't be read \(ENOENT\)/],
  ['pull', /<image> is missing/],
  ['pull a b', /"b" is one argument too many/],
  ['pull a --platform linux', /--platform: "linux" is not allowed; allowed is os\/architecture/],
  ['completion tcsh', /shell: "tcsh" is not allowed; allowed is one of bash\|zsh\|fish/],
  ['rm', /<image> is missing/],
  ['rm team/app:1 --purge', /--purge: team\/app:1 is a tag, and its image stays; allowed is --purge with --image/],
  ['rm team/app:1 --timeout soon', /--timeout: /],
  ['gc now', /"now" is one argument too many/],
  ['cache', /"" is not allowed; allowed is one of ls, pin, unpin, rm/],
  ['cache ls all', /"all" is one argument too many/],
  ['blob', /"" is not allowed; allowed is one of put, get, stat/],
  ['blob put ns', /<file> is missing/],
  ['install containerd --root /no/such/folder', /--root: "\/no\/such\/folder" is not allowed; allowed is a folder/],
];

for (const [line, message] of mistakes) {
  test(`exit code 2: shoal ${line}`, async () => {
    const { code, out, err } = await shoal(...line.split(' ').filter(Boolean));
    assert.equal(code, 2);
    assert.equal(out, '');
    assert.match(err, message);
  });
}

test('with --json errors are JSON on standard output as well', async () => {
  const { code, out, err } = await shoal('install', 'rkt', '--json');
  assert.deepEqual([code, err], [2, '']);
  assert.equal((JSON.parse(out) as { result: string }).result, 'usage');
});

test('exit code 1: what fails is said, and is no refusal', { skip: process.platform !== 'linux' }, async () => {
  const { code, err } = await shoal('install', 'docker', '--root', '/proc/self/task');
  assert.equal(code, 1);
  assert.match(err, /^shoal: E[A-Z]+: .*\/proc/);
});

test('bash completes commands, flags and actions by the printed script', async () => {
  const { out } = await shoal('completion', 'bash');
  const complete = (...words: string[]): string[] => {
    const line = words.map((word) => `'${word}'`).join(' ');
    const script = `${out}\nCOMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; _shoal; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).trim().split('\n');
  };
  assert.deepEqual(complete('shoal', 'unin'), ['uninstall']);
  assert.deepEqual(complete('shoal', 'preheat', '--wa'), ['--wait']);
  assert.deepEqual(complete('shoal', 'blob', 'st'), ['stat']);
  assert.deepEqual(complete('shoal', 'cache', 'unp'), ['unpin']);
  assert.deepEqual(complete('shoal', 'rm', '--pu'), ['--purge']);
});
