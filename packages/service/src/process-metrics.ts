import { readdirSync, readFileSync } from 'node:fs';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';

/**
 * Process metrics under the names that dashboards know (`process_*`, `nodejs_*`). prom-client's own set is not
 * used: several of its names fail `promtool check metrics` (gauges that end in `_total`), and it leaves an
 * observer behind for each registry.
 * @returns what to call when the registry is no longer scraped.
 */
export const addProcessMetrics = (
  registry: Registry,
  build: { readonly service: string; readonly version: string },
): (() => void) => {
  const registers = [registry];
  const gauge = (name: string, help: string, value: () => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
  };
  new Gauge({
    name: 'shoal_build_info',
    help: 'Always 1; the labels say what runs.',
    labelNames: ['service', 'version', 'node'],
    registers,
  }).set({ ...build, node: process.version }, 1);
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'User and system CPU time spent.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  gauge(
    'process_start_time_seconds',
    'Start of the process since the Unix epoch.',
    () => performance.timeOrigin / 1000,
  );
  gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss());
  gauge('process_open_fds', 'Open file descriptors; 0 where the system does not tell.', openDescriptors);
  gauge('process_max_fds', 'Most file descriptors that may be open; 0 where the system does not tell.', descriptorsMax);
  gauge('nodejs_heap_size_used_bytes', 'Memory used by the JavaScript heap.', () => process.memoryUsage().heapUsed);
  gauge(
    'nodejs_external_memory_bytes',
    'Memory of buffers outside the JavaScript heap.',
    () => process.memoryUsage().external,
  );
  return addEventLoopDelay(registry);
};

/** How often a timer is set to see how late it runs. The histogram holds the whole time between two of them. */
const loopSampleMs = 20;

/** How late timers ran since the scrape before: the first sign of a process that can't keep up. */
const addEventLoopDelay = (registry: Registry): (() => void) => {
  const delay = monitorEventLoopDelay({ resolution: loopSampleMs });
  delay.enable();
  const gauge = (name: string, help: string, nanoseconds: () => number, reset = false): void => {
    new Gauge({
      name: `nodejs_eventloop_lag_${name}_seconds`,
      help: `${help} event-loop delay since the last scrape.`,
      registers: [registry],
      collect() {
        this.set(delay.count === 0 ? 0 : secondsLate(nanoseconds()));
        if (reset) delay.reset();
      },
    });
  };
  gauge('p50', 'Median', () => delay.percentile(50));
  gauge('p99', '99th percentile of', () => delay.percentile(99));
  gauge('max', 'Longest', () => delay.max, true);
  return () => delay.disable();
};

/** What is late of the time between two samples, in nanoseconds as the histogram holds it. */
export const secondsLate = (betweenNs: number): number => Math.max(0, betweenNs / 1e6 - loopSampleMs) / 1000;

const openDescriptors = (): number => {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
};

const descriptorsMax = (): number => {
  try {
    return Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
};
