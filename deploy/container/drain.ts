/**
 * `node drain.ts SECONDS`: preStop hook of an agent. Waits until the node pulls nothing: no download runs and no request
 * came for five seconds. Only then is the agent told to stop, so that pulls end with the agent that they began with.
 * Ends after SECONDS in any case, always with 0: a hook that fails would not keep the pod from stopping.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { adminUrl } from './ready-file.ts';

const pollMs = 500;
const quietMs = 5000;

/** The sum of all series of a metric in a scrape. */
const sum = (scrape: string, metric: string): number =>
  scrape
    .split('\n')
    .filter((line) => line.startsWith(`${metric}{`) || line.startsWith(`${metric} `))
    .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);

const deadline = Date.now() + Number(process.argv[2]) * 1000;
let requests = -1;
let quietSince = Date.now();
try {
  while (Date.now() < deadline && Date.now() - quietSince < quietMs) {
    const answer = await fetch(new URL('/metrics', adminUrl()), { signal: AbortSignal.timeout(3000) });
    const scrape = await answer.text();
    const now = sum(scrape, 'shoal_agent_requests_total');
    if (now !== requests || sum(scrape, 'shoal_agent_downloads_active') > 0) quietSince = Date.now();
    requests = now;
    await sleep(pollMs);
  }
} catch (error) {
  process.stdout.write(`the agent does not answer, nothing to wait for: ${(error as Error).message}\n`);
}
