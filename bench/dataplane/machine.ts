import { readFileSync } from 'node:fs';
import os from 'node:os';

/** What figures are worth nothing without. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  /** Of new TCP connections: BBR costs up to 40 % more on loopback than cubic or reno. */
  readonly congestionControl: string;
  readonly node: string;
  /** Runnable processes in the minute before: other work on the machine. */
  readonly loadBefore: number;
}

export const processor = (): string => os.cpus()[0]?.model ?? 'unknown';

export const describeMachine = (): Machine => ({
  cpu: processor(),
  cores: os.cpus().length,
  memoryBytes: os.totalmem(),
  kernel: os.release(),
  congestionControl: readFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'utf8').trim(),
  node: process.version,
  loadBefore: os.loadavg()[0] ?? 0,
});
