import type { Report, ReportResponse } from '@shoal/protocol';

/** What a report says besides who sends it. */
export type ReportBody = Omit<Report, 'peer'>;

export interface ReporterOptions {
  readonly read: () => ReportBody;
  /** @throws when the tracker does not answer */
  readonly send: (report: ReportBody) => Promise<ReportResponse>;
  readonly prng: () => number;
}

/**
 * Tells the tracker what the node does, as often as the tracker asks for, for its live view. Nothing is sent to a tracker
 * that does not ask, nor while the node is in no swarm with anybody. A report that is lost is not sent again.
 */
export class Reporter {
  readonly #o: ReporterOptions;
  #reportMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sending = false;
  /** The last report named no swarm, so there is nothing to add to it. */
  #silent = true;
  #stopped = false;

  constructor(o: ReporterOptions) {
    this.#o = o;
  }

  /** What a tracker's answer said; undefined: it takes no reports. */
  pace(reportMs: number | undefined): void {
    if (this.#stopped || reportMs === this.#reportMs) return;
    this.#reportMs = reportMs;
    if (!this.#sending) this.#arm();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#stopped || this.#reportMs === undefined) return;
    // Jitter keeps nodes apart that began together.
    this.#timer = setTimeout(() => void this.#report(), this.#reportMs * (0.8 + 0.4 * this.#o.prng()));
    this.#timer.unref();
  }

  async #report(): Promise<void> {
    const report = this.#o.read();
    const silent = report.swarms.length === 0;
    if (!silent || !this.#silent) {
      this.#sending = true;
      try {
        this.#reportMs = (await this.#o.send(report)).reportMs;
        this.#silent = silent;
      } catch {
        // Announces report a tracker that is down.
      }
      this.#sending = false;
    }
    this.#arm();
  }
}
