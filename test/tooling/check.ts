/**
 * `npm run check`: every static check, all of them also when one fails, with a summary at the end.
 * `node test/tooling/check.ts [--root DIR] [--only lint,types]`
 */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { parseArgs } from 'node:util';

const purePackages = ['core', 'protocol', 'swarm', 'ring'];

const { values } = parseArgs({
  options: { root: { type: 'string', default: path.join(import.meta.dirname, '../..') }, only: { type: 'string' } },
});
const root = path.resolve(values.root);
const bin = (name: string): string => path.join(root, 'node_modules/.bin', name);

/** Each step is a list of commands; the step fails when one of them does. */
const steps: Readonly<Record<string, readonly (readonly string[])[]>> = {
  lint: [[bin('oxlint')]],
  format: [[bin('oxfmt'), '--check']],
  types: [
    [bin('tsc'), '-p', '.'],
    [bin('tsc'), '-p', 'services/tracker/ui'],
    [bin('tsc'), '-p', 'test/ui'],
  ],
  purity: purePackages.map((name) => [bin('tsc'), '-p', `packages/${name}`]),
  imports: [[process.execPath, path.join(import.meta.dirname, 'import-direction.ts'), root]],
  'dead-code': [[bin('knip'), '--no-progress']],
};

const run = ([command = '', ...args]: readonly string[]): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', reject);
    child.on('exit', (code) => resolve(code === 0));
  });

const chosen = values.only?.split(',') ?? Object.keys(steps);
const failed: string[] = [];
for (const name of chosen) {
  const commands = steps[name];
  if (!commands) throw new Error(`--only: ${name} is not a step; allowed are ${Object.keys(steps).join(', ')}`);
  console.log(`\n== ${name}`);
  for (const command of commands) {
    if (!(await run(command)) && !failed.includes(name)) failed.push(name);
  }
}
console.log(failed.length === 0 ? `\ncheck: ${chosen.join(', ')} passed` : `\ncheck: failed: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
