/**
 * `node finish-cleanup.ts NAMESPACE NAME`: waits until the daemon set that takes the mirror back has run on every node,
 * then deletes it. Runs in a pod, with the rights to get and delete that daemon set; its job sets the deadline.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

interface DaemonSet {
  readonly metadata: { readonly generation: number };
  readonly status: {
    readonly observedGeneration?: number;
    readonly desiredNumberScheduled: number;
    readonly numberReady: number;
  };
}

const [namespace, name] = process.argv.slice(2);
const host = process.env['KUBERNETES_SERVICE_HOST'] ?? 'kubernetes.default.svc';
const api = `https://${host.includes(':') ? `[${host}]` : host}:${process.env['KUBERNETES_SERVICE_PORT'] ?? 443}`;
const url = `${api}/apis/apps/v1/namespaces/${namespace}/daemonsets/${name}`;
const token = readFileSync('/var/run/secrets/kubernetes.io/serviceaccount/token', 'utf8');

const request = async (method: string): Promise<unknown> => {
  const answer = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(10_000),
  });
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`);
  return answer.json();
};

for (;;) {
  const { metadata, status } = (await request('GET')) as DaemonSet;
  const { desiredNumberScheduled: all, numberReady: done } = status;
  if (status.observedGeneration === metadata.generation && done === all) break;
  process.stdout.write(`${done} of ${all} nodes are cleaned up\n`);
  await sleep(2000);
}
await request('DELETE');
