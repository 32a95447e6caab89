/** What an upstream says of its rate limit, as Docker Hub does with `ratelimit-limit: 100;w=21600`. */
export interface RateLimit {
  /** Requests allowed in the window. */
  readonly limit: number | undefined;
  readonly remaining: number | undefined;
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** Undefined when the answer speaks of no limit. */
export const rateLimitOf = (headers: Headers): RateLimit | undefined => {
  const limit = countOf(headers['ratelimit-limit'] ?? headers['x-ratelimit-limit']);
  const remaining = countOf(headers['ratelimit-remaining'] ?? headers['x-ratelimit-remaining']);
  return limit === undefined && remaining === undefined ? undefined : { limit, remaining };
};

/** `100`, or `100;w=21600`: the number before the parameters. */
const countOf = (header: string | string[] | undefined): number | undefined => {
  const match = /^\s*(\d{1,12})\s*(?:[;,]|$)/.exec([header ?? ''].flat()[0] ?? '');
  return match ? Number(match[1]) : undefined;
};

/** Milliseconds from `nowMs`, from a number of seconds or a date. Source: RFC 9110, section 10.2.3. */
export const retryAfterMs = (headers: Headers, nowMs: number): number | undefined => {
  const raw = [headers['retry-after'] ?? ''].flat()[0]?.trim() ?? '';
  if (/^\d{1,9}$/.test(raw)) return Number(raw) * 1000;
  const dateMs = /[a-z]/i.test(raw) ? Date.parse(raw) : Number.NaN;
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs);
};
