import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { suite, test } from 'node:test';

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const run = (benchmark: string, args: readonly string[]): Promise<Ended> =>
  new Promise((resolve) => {
    const main = path.join(import.meta.dirname, benchmark, 'main.ts');
    execFile(process.execPath, [main, ...args], { timeout: 60_000 }, (error, out, err) =>
      resolve({ code: error ? Number(error.code) : 0, out, err }),
    );
  });

suite('the command line of a benchmark', { concurrency: 2 }, () => {
  for (const [benchmark, script] of [
    ['functions', 'bench'],
    ['dataplane', 'bench:dataplane'],
    ['swarm', 'bench:swarm'],
  ] as const) {
    const usage = new RegExp(`^usage: npm run ${script} -- `, 'm');

    test(`${script} --help prints the usage`, async () => {
      const { code, out, err } = await run(benchmark, ['--help']);
      assert.deepEqual([code, err], [0, '']);
      assert.match(out, usage);
    });

    test(`${script} names an option that it does not know, prints the usage and ends with 2`, async () => {
      const { code, out, err } = await run(benchmark, ['--speed', '9']);
      assert.deepEqual([code, out], [2, '']);
      assert.match(err, /^.*--speed/);
      assert.match(err, usage);
      assert.doesNotMatch(err, /^\s+at /m);
    });
  }

  for (const benchmark of ['functions', 'dataplane']) {
    test(`${benchmark} names what it can be restricted to`, async () => {
      const { code, err } = await run(benchmark, ['--only', 'nothing']);
      assert.equal(code, 2);
      assert.match(err, /^--only: "nothing" is not allowed; allowed are \w+/);
    });
  }
});
