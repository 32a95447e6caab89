import { InvalidValueError, KiB } from '@shoal/core';
import {
  appendFileSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { errorCode, fromDiskError } from './errors.ts';

const recordBytesMax = 64 * KiB;

/**
 * Small records by key in an append-only file, all in memory. A line is `<CRC-32 in hex> ["<key>","<base64>"]`; the last
 * line of a key counts, a torn one does not. Past a number of records the one that was put longest ago goes.
 */
export class RecordLog {
  readonly #file: string;
  readonly #recordsMax: number;
  readonly #records = new Map<string, Uint8Array>();
  #lines = 0;
  /** The file does not end with a whole line: nothing may be appended to it. */
  #torn = false;

  constructor(file: string, recordsMax = 10_000) {
    this.#file = file;
    this.#recordsMax = recordsMax;
    mkdirSync(dirname(file), { recursive: true });
    this.#read();
  }

  get(key: string): Uint8Array | undefined {
    return this.#records.get(key);
  }

  keys(): Iterable<string> {
    return this.#records.keys();
  }

  /** In memory at once, also when it throws. @throws InvalidValueError above 64 KiB; StoreFullError */
  put(key: string, bytes: Uint8Array): void {
    if (bytes.length > recordBytesMax)
      throw new InvalidValueError('record', `${bytes.length} bytes`, `allowed are ${recordBytesMax}`);
    const isNew = Buffer.compare(this.#records.get(key) ?? empty, bytes) !== 0 || !this.#records.has(key);
    this.#remember(key, bytes.slice());
    if (!isNew) return;
    try {
      if (this.#torn || this.#lines > 2 * this.#records.size + linesSlack) this.#rewrite();
      else this.#append(key, bytes);
    } catch (error) {
      this.#torn = true;
      throw fromDiskError(error, `record ${key}`);
    }
  }

  #append(key: string, bytes: Uint8Array): void {
    appendFileSync(this.#file, encodeLine(key, bytes));
    this.#lines++;
  }

  /** Also the order of use is brought up to date. */
  #rewrite(): void {
    const temporary = `${this.#file}.tmp`;
    const fd = openSync(temporary, 'w');
    try {
      for (const [key, bytes] of this.#records) writeSync(fd, encodeLine(key, bytes));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, this.#file);
    this.#lines = this.#records.size;
    this.#torn = false;
  }

  #read(): void {
    const text = readIfPresent(this.#file);
    const lines = text.split('\n');
    this.#torn = lines.pop() !== '';
    for (const line of lines) {
      const record = decodeLine(line);
      if (record) this.#remember(...record);
      else this.#torn = true;
    }
    this.#lines = lines.length;
  }

  #remember(key: string, bytes: Uint8Array): void {
    this.#records.delete(key);
    this.#records.set(key, bytes);
    for (const oldest of this.#records.keys()) {
      if (this.#records.size <= this.#recordsMax) break;
      this.#records.delete(oldest);
    }
  }
}

const empty = new Uint8Array();
const linesSlack = 100;

const encodeLine = (key: string, bytes: Uint8Array): string => {
  const json = JSON.stringify([key, bytes.toBase64()]);
  return `${crc32(json).toString(16)} ${json}\n`;
};

const decodeLine = (line: string): [string, Uint8Array] | undefined => {
  const json = line.slice(line.indexOf(' ') + 1);
  if (crc32(json).toString(16) !== line.slice(0, line.indexOf(' '))) return undefined;
  const [key, value] = JSON.parse(json) as [string, string];
  return [key, Uint8Array.fromBase64(value)];
};

const readIfPresent = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return '';
    throw error;
  }
};
