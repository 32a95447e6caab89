/** Where a log writes its lines, as pino wants it. */
interface LineSink {
  write(line: string): void;
}

/** The line that an agent logs when a blob is whole and verified (services/agent, events.ts). */
const completeEvent = 'download complete';

/** A destination of an agent's log: tells when its download is complete, and passes warnings on. */
export const completionLog = (complete: () => void, warnings: ((line: string) => void) | undefined): LineSink => ({
  write: (line) => {
    const { msg, level } = JSON.parse(line) as { msg?: string; level?: string };
    if (msg === completeEvent) complete();
    else if (level !== 'info') warnings?.(line);
  },
});
