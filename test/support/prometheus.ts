import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePortBase } from '../../deploy/local/src/index.ts';
import { Background } from './run.ts';

export interface PrometheusSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A real Prometheus on a port and in a folder of its own, which goes with it. */
export class Prometheus implements AsyncDisposable {
  readonly url: string;
  readonly #process: Background;
  readonly #folder: string;

  private constructor(url: string, process: Background, folder: string) {
    this.url = url;
    this.#process = process;
    this.#folder = folder;
  }

  /** `jobs`: addresses to scrape each second, by the name of the job. */
  static async start(
    jobs: Readonly<Record<string, readonly string[]>>,
    ruleFiles: readonly string[],
  ): Promise<Prometheus> {
    const folder = await mkdtemp(path.join(tmpdir(), 'shoal-prometheus-'));
    const config = {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: ruleFiles,
      scrape_configs: Object.entries(jobs).map(([job_name, targets]) => ({ job_name, static_configs: [{ targets }] })),
    };
    const file = path.join(folder, 'prometheus.yml');
    await writeFile(file, JSON.stringify(config));
    const address = `127.0.0.1:${await freePortBase(1)}`;
    const process = new Background('prometheus', [
      `--config.file=${file}`,
      `--storage.tsdb.path=${path.join(folder, 'data')}`,
      `--web.listen-address=${address}`,
    ]);
    await process.printed(/Server is ready/);
    return new Prometheus(`http://${address}`, process, folder);
  }

  /** The value of an expression now. @throws Error with Prometheus' message for one that is not valid */
  async query(expression: string): Promise<PrometheusSeries[]> {
    const answer = await this.#get<{ result: { metric: Record<string, string>; value: [number, string] }[] }>(
      `query?${new URLSearchParams({ query: expression })}`,
    );
    return answer.result.map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }));
  }

  /** Waits until every target was scraped at least so many times from now on; each second is one. */
  async scraped(times: number): Promise<void> {
    for (let round = 0; round < times; round++) await this.#scrapedAfter(Date.now());
  }

  async #scrapedAfter(sinceMs: number): Promise<void> {
    for (const untilMs = sinceMs + 30_000; Date.now() < untilMs;) {
      const { activeTargets } = await this.#get<{ activeTargets: { lastScrape: string; health: string }[] }>('targets');
      const isFresh = ({ lastScrape, health }: { lastScrape: string; health: string }): boolean =>
        health === 'up' && Date.parse(lastScrape) > sinceMs;
      if (activeTargets.length > 0 && activeTargets.every(isFresh)) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`not every target was scraped within 30 s:\n${this.#process.text}`);
  }

  async #get<Data>(call: string): Promise<Data> {
    const answer = await fetch(`${this.url}/api/v1/${call}`, { signal: AbortSignal.timeout(20_000) });
    const body = (await answer.json()) as { status: string; error?: string; data: Data };
    if (body.status !== 'success') throw new Error(`${call}: ${body.error}`);
    return body.data;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
