import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { createInterface } from 'node:readline';

/** Runs a script until it has printed `ready`, kills it with SIGKILL `killAfterMs` later, answers the other lines. */
export const runAndKill = async (script: string, args: readonly string[], killAfterMs: number): Promise<string[]> => {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  const lines: string[] = [];
  const ready = Promise.withResolvers<void>();
  createInterface(child.stdout).on('line', (line) => (line === 'ready' ? ready.resolve() : lines.push(line)));
  await Promise.race([ready.promise, closed.then(() => Promise.reject(new Error(`${script} stopped by itself`)))]);
  await wait(killAfterMs);
  child.kill('SIGKILL');
  await closed;
  return lines;
};
