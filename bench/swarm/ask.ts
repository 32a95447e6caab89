import { MetricsSnapshot } from '@shoal/local';

const timeoutMs = 30_000;

/**
 * What a process of the run answers.
 * @param who as a message names it
 * @throws Error naming the process and its address when it does not answer in time, or with another status than 2xx
 */
export const ask = async (who: string, url: string, init: RequestInit = {}): Promise<string> => {
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(url, { signal: AbortSignal.timeout(timeoutMs), ...init });
    text = await answer.text();
  } catch (error) {
    throw new Error(`${who} did not answer at ${url}: ${reasonOf(error)}`, { cause: error });
  }
  if (!answer.ok) throw new Error(`${who} answered ${answer.status} at ${url}: ${text.slice(0, 200)}`);
  return text;
};

export const askMetrics = async (who: string, url: string): Promise<MetricsSnapshot> =>
  new MetricsSnapshot(await ask(who, url));

/** What fetch says is only that it failed; the cause says how. */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
};
