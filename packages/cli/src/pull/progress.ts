import { formatBytes } from '@shoal/core';
import { MultiBar, type SingleBar } from 'cli-progress';

/** How far a transfer is, shown to whoever waits for it. */
export interface Progress {
  begin(name: string, size: number | undefined): ProgressLine;
  stop(): void;
}

export interface ProgressLine {
  add(bytes: number): void;
  end(): void;
}

/** Shows nothing. */
export const silentProgress: Progress = { begin: () => ({ add: () => {}, end: () => {} }), stop: () => {} };

/** Bars on standard error where that is a terminal, nothing otherwise: a log is no place for them. */
export const progressOn = (
  stream: NodeJS.WriteStream,
  wanted: boolean,
  format: (amount: number) => string = formatBytes,
): Progress => (wanted && stream.isTTY ? bars(stream, format) : silentProgress);

const bars = (stream: NodeJS.WriteStream, format: (amount: number) => string): Progress => {
  const multi = new MultiBar({
    stream,
    format: '{name} {bar} {percentage}% {done} of {size}',
    hideCursor: true,
    clearOnComplete: false,
    barsize: 30,
  });
  return {
    begin: (name, size) => {
      let done = 0;
      const payload = (): object => ({
        name: name.slice(0, 19),
        done: format(done),
        size: size === undefined ? '?' : format(size),
      });
      const line: SingleBar = multi.create(Math.max(1, size ?? 1), 0, payload());
      return {
        add: (bytes) => {
          done += bytes;
          line.update(Math.min(done, size ?? done), payload());
        },
        end: () => line.update(Math.max(1, size ?? 1), payload()),
      };
    },
    stop: () => multi.stop(),
  };
};
