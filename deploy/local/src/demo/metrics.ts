import { MetricsSnapshot } from '@shoal/core';

export { MetricsSnapshot };

/** @throws Error unless the address answers 200 within 10 s */
export const readMetrics = async (url: string): Promise<MetricsSnapshot> => {
  const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${text.slice(0, 200)}`);
  return new MetricsSnapshot(text);
};
