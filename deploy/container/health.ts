/** HEALTHCHECK of the image: 0 when the service of this container is up and answers /livez, otherwise 1 and why. */
import { readFileSync } from 'node:fs';
import { readyFile } from './ready-file.ts';

interface Ready {
  readonly addresses: { readonly admin: { readonly host: string; readonly port: number } };
}

/** A listener on all addresses is reached at loopback. */
const dialled: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '[::1]' };

try {
  const { admin } = (JSON.parse(readFileSync(readyFile, 'utf8')) as Ready).addresses;
  const host = dialled[admin.host] ?? (admin.host.includes(':') ? `[${admin.host}]` : admin.host);
  const answer = await fetch(`http://${host}:${admin.port}/livez`, { signal: AbortSignal.timeout(3000) });
  process.stdout.write(`${await answer.text()}\n`);
  process.exitCode = answer.ok ? 0 : 1;
} catch (error) {
  process.stdout.write(`the service has not started: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
