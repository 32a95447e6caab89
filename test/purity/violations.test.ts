import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

const root = path.join(import.meta.dirname, '../..');

interface Violation {
  readonly what: string;
  readonly file: string;
  readonly text: string;
  /** The steps of `npm run check` that report it, and what each says on it. */
  readonly reported: Readonly<Record<string, RegExp>>;
}

const noSuchName = /error TS2\d{3}: Cannot find (?:name|module)/;

const violations: readonly Violation[] = [
  {
    what: 'a socket in swarm',
    file: 'packages/swarm/src/violation-socket.ts',
    text: `import { connect } from 'node:net';\nexport const dial = (port: number): unknown => connect(port);\n`,
    reported: { lint: /no node:\* modules/, purity: noSuchName, imports: /is pure: it does no I\/O/ },
  },
  {
    what: 'a builtin without the node: prefix in ring',
    file: 'packages/ring/src/violation-builtin.ts',
    text: `import { hostname } from 'os';\nexport const host = (): string => hostname();\n`,
    reported: { purity: noSuchName, imports: /is pure: it does no I\/O/ },
  },
  {
    // In core, where no other case is for tsc: the types of undici bring those of Node into the program.
    what: 'a library in core',
    file: 'packages/core/src/violation-library.ts',
    text: `import { request } from 'undici';\nexport const ask = request;\n`,
    reported: { imports: /allowed from npm: typebox/ },
  },
  {
    what: 'the clock in core',
    file: 'packages/core/src/violation-clock.ts',
    text: `export const now = (): number => Date.now();\n`,
    reported: { lint: /take a Clock/ },
  },
  {
    what: 'the random source in swarm',
    file: 'packages/swarm/src/violation-random.ts',
    text: `export const choose = (count: number): number => Math.floor(Math.random() * count);\n`,
    reported: { lint: /take a Prng/ },
  },
  {
    what: 'a timer in protocol',
    file: 'packages/protocol/src/violation-timer.ts',
    text: `export const later = (run: () => void): void => {\n  setTimeout(run, 1000);\n};\n`,
    reported: { lint: /answer nextTimeoutMs/, purity: noSuchName },
  },
  {
    what: 'Buffer in ring',
    file: 'packages/ring/src/violation-buffer.ts',
    text: `export const bytes = (text: string): Uint8Array => Buffer.from(text);\n`,
    reported: { lint: /uses Uint8Array/, purity: noSuchName },
  },
  {
    what: 'a package that imports a service',
    file: 'packages/store/src/violation-service.ts',
    text: `import type { Origin } from '@shoal/origin';\nexport type Owner = Origin;\n`,
    reported: { imports: /no one imports a service \(packages\/store -> services\/origin\)/ },
  },
  {
    what: 'a service that imports a service',
    file: 'services/agent/src/violation-service.ts',
    text: `export { Origin } from '@shoal/origin';\n`,
    reported: { imports: /no one imports a service \(services\/agent -> services\/origin\)/ },
  },
  {
    what: 'a service that reaches into another by path',
    file: 'services/agent/src/violation-path.ts',
    text: `export const load = (): Promise<unknown> => import('../../origin/src/service.ts');\n`,
    reported: { imports: /a relative import leaves services\/agent/ },
  },
  {
    what: 'a package that imports one above it',
    file: 'packages/protocol/src/violation-direction.ts',
    text: `export * from '@shoal/store';\n`,
    reported: { imports: /packages\/protocol may import: core/ },
  },
];

/** The output of one step of the real check over the copy. */
const check = (copy: string, step: string): { output: string; code: number | null } => {
  const script = path.join(root, 'test/tooling/check.ts');
  const run = spawnSync(process.execPath, [script, '--root', copy, '--only', step], { encoding: 'utf8' });
  return { output: `${run.stdout}\n${run.stderr}`, code: run.status };
};

/** Oxlint and tsc name a file, then the message, or the other way round within a few lines. */
const near = (output: string, file: string): string => {
  const lines = output.split('\n');
  return lines
    .flatMap((line, index) => (line.includes(file) ? lines.slice(Math.max(0, index - 2), index + 8) : []))
    .join('\n');
};

/** The workspaces that the violations are in; lint reads all that is copied. */
const copied = [
  'packages/core',
  'packages/protocol',
  'packages/swarm',
  'packages/ring',
  'packages/store',
  'services/agent',
];

describe('npm run check on a copy of the workspace with violations in it', () => {
  const copy = mkdtempSync(path.join(tmpdir(), 'shoal-purity-'));
  const results = new Map<string, { output: string; code: number | null }>();

  before(() => {
    for (const name of ['.oxlintrc.json', 'tsconfig.json', 'tsconfig.base.json', 'package.json', ...copied]) {
      cpSync(path.join(root, name), path.join(copy, name), { recursive: true });
    }
    symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));
    assert.equal(check(copy, 'imports').code, 0, 'there is no violation before');
    for (const { file, text } of violations) writeFileSync(path.join(copy, file), text);
    for (const step of ['lint', 'purity', 'imports']) results.set(step, check(copy, step));
  });
  after(() => rmSync(copy, { recursive: true, force: true }));

  for (const { what, file, reported } of violations) {
    for (const [step, expected] of Object.entries(reported)) {
      test(`${step} reports ${what}`, () => {
        const { output, code } = results.get(step) ?? { output: '', code: null };
        assert.equal(code, 1);
        assert.match(near(output, file), expected);
      });
    }
  }
});
