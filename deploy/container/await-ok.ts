/** `node await-ok.ts URL...`: 0 as soon as every URL has answered 200, 1 after a minute. For `helm test`. */
import { setTimeout as sleep } from 'node:timers/promises';

const deadline = Date.now() + 60_000;

const outcome = (url: string): Promise<string> =>
  fetch(url, { signal: AbortSignal.timeout(5000) }).then(
    async (answer) => (answer.ok ? 'ok' : `${answer.status} ${await answer.text()}`),
    (error: unknown) => String((error as Error).cause ?? error),
  );

for (const url of process.argv.slice(2)) {
  let last = await outcome(url);
  while (last !== 'ok' && Date.now() < deadline) {
    await sleep(1000);
    last = await outcome(url);
  }
  process.stdout.write(`${url}: ${last}\n`);
  if (last !== 'ok') process.exitCode = 1;
}
