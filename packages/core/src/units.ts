import { InvalidValueError } from './errors.ts';

export const KiB = 1024;
export const MiB = 1024 * KiB;
export const GiB = 1024 * MiB;

const byteUnits: Record<string, number> = {
  '': 1,
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB,
  MiB,
  GiB,
  TiB: 1024 * GiB,
};

/** Bytes from `1048576`, `"256MiB"`, `"1.5 GB"`. @throws InvalidValueError */
export const parseBytes = (raw: string | number, field = 'size'): number => {
  if (typeof raw === 'number') return integer(raw, raw, field, allowedBytes);
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT]i?B|B|)$/.exec(raw.trim());
  const factor = match ? byteUnits[match[2] ?? ''] : undefined;
  if (!match || factor === undefined) throw new InvalidValueError(field, raw, allowedBytes);
  return integer(Math.round(Number(match[1]) * factor), raw, field, allowedBytes);
};

const allowedBytes =
  'allowed is a whole number of bytes, or a number with a unit: B, KB, MB, GB, TB, KiB, MiB, GiB, TiB';

const durationUnits: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds from `1500`, `"250ms"`, `"10s"`, `"5m"`, `"24h"`, `"7d"`. @throws InvalidValueError */
export const parseDurationMs = (raw: string | number, field = 'duration'): number => {
  if (typeof raw === 'number') return integer(raw, raw, field, allowedDuration);
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/.exec(raw.trim());
  const factor = match ? durationUnits[match[2] ?? ''] : undefined;
  if (!match || factor === undefined) throw new InvalidValueError(field, raw, allowedDuration);
  return integer(Math.round(Number(match[1]) * factor), raw, field, allowedDuration);
};

const allowedDuration = 'allowed is a number with a unit: ms, s, m, h, d';

/** `1.50 GiB`, `12.0 MiB`, `734 B`. */
export const formatBytes = (bytes: number): string => {
  if (bytes < KiB) return `${bytes} B`;
  if (bytes < MiB) return `${(bytes / KiB).toFixed(1)} KiB`;
  if (bytes < GiB) return `${(bytes / MiB).toFixed(1)} MiB`;
  return `${(bytes / GiB).toFixed(2)} GiB`;
};

const integer = (value: number, raw: unknown, field: string, allowed: string): number => {
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidValueError(field, raw, allowed);
  return value;
};
