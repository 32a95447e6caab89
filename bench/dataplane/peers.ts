import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Child } from './processes.ts';
import { blobPath, repository, type Round } from './round.ts';
import { fetchBodies } from './serving.ts';
import { measure } from './usage.ts';
import { settleMemory } from './settle-memory.ts';

const execute = promisify(execFile);

/** Where a program is, or undefined. */
const installed = (program: string): string | undefined =>
  [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/usr/local/sbin']
    .map((folder) => path.join(folder, program))
    .find((file) => existsSync(file));

const freePort = async (): Promise<number> => {
  const server = createServer().listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
};

const startTimeoutMs = 5000;

/** Starts a program that is told its port, and waits until it listens there. */
const startListening = async (command: string, args: readonly string[], port: number): Promise<Child> => {
  const child = new Child(spawn(command, args, { stdio: ['ignore', 'ignore', 'ignore'] }));
  for (const untilMs = performance.now() + startTimeoutMs; !(await listens(port)); await wait(20))
    if (performance.now() > untilMs) throw new Error(`${command} does not listen on ${port}`);
  return child;
};

const listens = async (port: number): Promise<boolean> => {
  const socket = connect({ host: '127.0.0.1', port });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
};

/** nginx, one process, with and without sendfile. */
export const nginx = async (round: Round): Promise<void> => {
  const command = installed('nginx');
  if (!command) return round.figures.skip('nginx is not installed: no figures of it');
  const { blob, cluster } = round;
  for (const sendfile of ['on', 'off'] as const) {
    const port = await freePort();
    const file = path.join(cluster.folder, 'nginx.conf');
    await writeFile(file, nginxConfig(cluster.folder, path.dirname(blob.path), port, sendfile));
    await using server = await startListening(command, ['-c', file, '-e', `${cluster.folder}/nginx.log`], port);
    const served = {
      base: `http://127.0.0.1:${port}`,
      path: `/${path.basename(blob.path)}`,
      pid: server.pid,
      size: blob.size,
    };
    await fetchBodies(round, `nginx-sendfile-${sendfile}`, served);
  }
};

const nginxConfig = (folder: string, root: string, port: number, sendfile: 'on' | 'off'): string => `
daemon off; master_process off; user root; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log;
events { worker_connections 64; }
http {
  access_log off; sendfile ${sendfile}; tcp_nopush on; output_buffers 2 256k; default_type application/octet-stream;
  server { listen 127.0.0.1:${port}; root ${root}; }
}
`;

/** Debian's docker-registry (CNCF Distribution): push, then pull. */
export const dockerRegistry = async (round: Round): Promise<void> => {
  const command = installed('docker-registry');
  if (!command) return round.figures.skip('docker-registry is not installed: no figures of it');
  const { blob, client, cluster, figures } = round;
  const storage = path.join(cluster.folder, 'docker-registry');
  await mkdir(storage, { recursive: true });
  const port = await freePort();
  const file = path.join(cluster.folder, 'docker-registry.yml');
  await writeFile(file, registryConfig(storage, port));
  await using server = await startListening(command, ['serve', file], port);
  const base = `http://127.0.0.1:${port}`;
  const { path: source, size, digest } = blob;
  await settleMemory(size);
  const { result, cpu } = await measure({ server: server.pid }, () =>
    client.run({ kind: 'push', base, repository, file: source, size, digest }),
  );
  figures.addTransfer('docker-registry-push', size, result.seconds, cpu);
  const served = { base, path: blobPath(digest), pid: server.pid, size };
  await fetchBodies(round, 'docker-registry', served);
  await rm(storage, { recursive: true });
};

const registryConfig = (storage: string, port: number): string => `
version: 0.1
log: { level: error, accesslog: { disabled: true } }
storage: { filesystem: { rootdirectory: ${storage} } }
http: { addr: "127.0.0.1:${port}" }
`;

/** SHA-256 by OpenSSL on data in the CPU's cache: below this no receiver can be. */
export const openssl = async ({ figures }: Round): Promise<void> => {
  if (!installed('openssl')) return figures.skip('openssl is not installed: no figure of SHA-256');
  const { stdout } = await execute('openssl', ['speed', '-seconds', '1', '-bytes', '262144', '-evp', 'sha256']);
  const kilobytes = Number(/^sha256\s+([\d.]+)k$/im.exec(stdout)?.[1]);
  figures.add('openssl-sha256.MBps', kilobytes / 1000);
  figures.add('openssl-sha256.cpuPerGB', 1e6 / kilobytes);
};

/** The same work as agent to agent in C; see reference.c. */
export const reference = async ({ figures, blob, cluster }: Round): Promise<void> => {
  const program = path.join(cluster.folder, 'reference');
  const compiler = installed('cc') ?? installed('gcc');
  if (!compiler) return figures.skip('there is no C compiler: no reference in C');
  if (!existsSync(program)) {
    const code = path.join(import.meta.dirname, 'reference.c');
    const failed = await execute(compiler, ['-O2', '-o', program, code, '-lcrypto']).catch((error: Error) => error);
    if (failed instanceof Error)
      return figures.skip(`the reference in C could not be built: ${failed.message.split('\n')[1]}`);
  }
  // From where the agents read: what a read costs depends on the file system.
  const source = path.join(cluster.caches, 'reference-source');
  await copyFile(blob.path, source);
  await settleMemory(blob.size);
  const sender = spawn(program, ['send', source], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [first] = (await once(sender.stdout, 'data')) as [Buffer];
  const sent = once(sender.stdout, 'data') as Promise<[Buffer]>;
  const copy = path.join(cluster.caches, 'reference-copy');
  const startMs = performance.now();
  const { stdout } = await execute(program, ['receive', String(Number(first)), copy]);
  const seconds = (performance.now() - startMs) / 1000;
  const [spent = '', bytes] = stdout.split('\n');
  if (Number(bytes) !== blob.size) throw new Error(`reference: ${bytes} of ${blob.size} bytes came`);
  const cpu = { sender: Number((await sent)[0]), receiver: Number(spent) };
  figures.addTransfer('reference-c', blob.size, seconds, cpu);
  figures.add('reference-c.sum.cpuPerGB', ((cpu.sender + cpu.receiver) / blob.size) * 1e9);
  await Promise.all([rm(copy), rm(source)]);
};
