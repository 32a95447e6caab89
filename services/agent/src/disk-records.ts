import type { PieceCache } from '@shoal/store';

type Records = Pick<PieceCache, 'tagRecord' | 'putTagRecord' | 'mediaType' | 'putMediaType'>;

export interface DiskRecordsEvents {
  recordNotKept(reason: string): void;
  recordKept(): void;
}

/**
 * Tag records and media types on disk. The store has each in memory before it writes, so a disk that is full costs
 * nobody a pull: only a restart forgets what could not be written.
 */
export class DiskRecords implements Records {
  readonly #records: Records;
  readonly #events: DiskRecordsEvents;

  constructor(records: Records, events: DiskRecordsEvents) {
    this.#records = records;
    this.#events = events;
  }

  tagRecord(...key: Parameters<Records['tagRecord']>): Uint8Array | undefined {
    return this.#records.tagRecord(...key);
  }

  putTagRecord(...record: Parameters<Records['putTagRecord']>): void {
    this.#put(() => this.#records.putTagRecord(...record));
  }

  mediaType(...key: Parameters<Records['mediaType']>): string | undefined {
    return this.#records.mediaType(...key);
  }

  putMediaType(...record: Parameters<Records['putMediaType']>): void {
    this.#put(() => this.#records.putMediaType(...record));
  }

  #put(write: () => void): void {
    try {
      write();
      this.#events.recordKept();
    } catch (error) {
      this.#events.recordNotKept((error as Error).message);
    }
  }
}
