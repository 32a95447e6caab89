import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

const settingFile = '/proc/sys/net/ipv4/tcp_congestion_control';
/** Set in the process that runs in a network of its own. */
const marker = 'SHOAL_BENCH_NETWORK';
const prepare = `ip link set lo up && echo reno > ${settingFile}`;

/** Of new TCP connections; undefined where the kernel does not tell. */
export const congestionControl = (): string | undefined => {
  try {
    return readFileSync(settingFile, 'utf8').trim();
  } catch {
    return undefined;
  }
};

/**
 * Runs this command once more in a network of its own, whose loopback has reno, and resolves to its exit code. BBR paces
 * each of 40,000 connections by timers, which costs more on loopback than what they carry. Undefined: it is there
 * already, reno is what this network has, or it takes root.
 */
export const inOwnNetwork = async (): Promise<number | undefined> => {
  if (process.env[marker] || congestionControl() === 'reno' || process.getuid?.() !== 0) return undefined;
  if (spawnSync('unshare', ['-n', 'sh', '-c', prepare], { stdio: 'ignore' }).status !== 0) return undefined;
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const child = spawn('unshare', ['-n', 'sh', '-c', `${prepare} && exec "$@"`, 'sh', ...again], {
    stdio: 'inherit',
    env: { ...process.env, [marker]: 'own' },
  });
  // A terminal interrupts the child as well; it cleans up, and this process waits for it.
  process.on('SIGINT', () => undefined).on('SIGTERM', () => child.kill());
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
};
