/**
 * Tests that need a program that npm does not bring (redis-server, a docker daemon, containerd, promtool).
 *
 * The convention for every test of this repository:
 *
 *     import { requireTool } from '../../../test/support/external.ts';
 *     test('the Redis store passes the suite', { skip: requireTool('redis-server') }, async () => { ... });
 *
 * Where the program is missing the test is skipped and says why. With `SHOAL_REQUIRE_EXTERNAL=1`, which .ci/run
 * sets, a missing program is an error instead, so that a run of CI never passes by skipping.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';

/** What `skip` of node:test takes: false runs the test, a text is the reason for skipping. */
export type Skip = false | string;

const required = process.env['SHOAL_REQUIRE_EXTERNAL'] === '1';

/** @throws Error when there is a reason to skip and skipping is forbidden. */
export const skipBecause = (reason: Skip, forbidden = required): Skip => {
  if (reason !== false && forbidden) throw new Error(`${reason}; SHOAL_REQUIRE_EXTERNAL=1 forbids to skip it`);
  return reason;
};

/** The absolute path of a program in PATH, or undefined. */
export const findTool = (name: string, searchPath = process.env['PATH'] ?? ''): string | undefined => {
  for (const folder of searchPath.split(path.delimiter)) {
    const file = path.join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not in this folder; the next one is tried.
    }
  }
  return undefined;
};

/** Skips unless every one of the programs is in PATH. */
export const requireTool = (...names: string[]): Skip => {
  const missing = names.filter((name) => findTool(name) === undefined);
  return skipBecause(missing.length > 0 && `${missing.join(', ')} is not installed`);
};

const answers = (command: string, ...args: string[]): boolean =>
  spawnSync(command, args, { stdio: 'ignore', timeout: 15_000 }).status === 0;

/** Skips unless the docker client reaches a daemon on this machine (`DOCKER_HOST` is honoured). */
export const requireDocker = (): Skip => {
  const missing = requireTool('docker');
  if (missing !== false) return missing;
  return skipBecause(!answers('docker', 'version') && 'no docker daemon answers `docker version`');
};

/** Skips unless `ctr` reaches a containerd (`CONTAINERD_ADDRESS` is honoured). */
export const requireContainerd = (): Skip => {
  const missing = requireTool('ctr');
  if (missing !== false) return missing;
  return skipBecause(!answers('ctr', 'version') && 'no containerd answers `ctr version`');
};
