import type { World } from './world.ts';

const width = 30;
const everyMs = 100;

/** A line on stderr that is drawn over and over while a world runs; nothing when stderr is no terminal. */
export const progressBar = (label: string): { watch: (world: World) => void; clear: () => void } => {
  const { stderr } = process;
  if (!stderr.isTTY) return { watch: () => undefined, clear: () => undefined };
  let drawnMs = 0;
  return {
    watch: (world) => {
      if (performance.now() - drawnMs < everyMs) return;
      drawnMs = performance.now();
      const share = world.progress;
      const full = Math.round(share * width);
      const bar = '#'.repeat(full) + '.'.repeat(width - full);
      const seconds = (world.events.nowMs / 1000).toFixed(2);
      stderr.write(`\r${label} [${bar}] ${Math.floor(share * 100)} % at ${seconds} s, ${world.missing} to go \u001b[K`);
    },
    clear: () => stderr.write('\r\u001b[K'),
  };
};
