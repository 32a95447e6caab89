import { readFile, stat } from 'node:fs/promises';
import { ShoalError } from '@shoal/core';

/** How often the file is looked at for a change. */
const checkIntervalMs = 1_000;

/** bcrypt as `htpasswd -B` and other tools write it: version, cost, 22 characters of salt and 31 of hash. */
const bcryptHash = /^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/;

export interface HtpasswdEvents {
  /** A change of the file could not be taken over; the users from before it stay. */
  htpasswdInvalid(error: unknown): void;
}

/** Users and bcrypt hashes of an htpasswd file, read again when it changes. */
export class HtpasswdFile {
  readonly #file: string;
  readonly #clock: () => number;
  readonly #events: HtpasswdEvents;
  #users: ReadonlyMap<string, string> = new Map();
  #version = '';
  #checkedMs = -Infinity;

  private constructor(file: string, clock: () => number, events: HtpasswdEvents) {
    this.#file = file;
    this.#clock = clock;
    this.#events = events;
  }

  /** @throws ShoalError HTPASSWD_INVALID naming the file, and the line or why it can't be read */
  static async open(file: string, clock: () => number, events: HtpasswdEvents): Promise<HtpasswdFile> {
    const htpasswd = new HtpasswdFile(file, clock, events);
    await htpasswd.#load();
    return htpasswd;
  }

  /** The hashes by user; the same map as before while the file is unchanged. */
  async users(): Promise<ReadonlyMap<string, string>> {
    const nowMs = this.#clock();
    if (nowMs - this.#checkedMs >= checkIntervalMs) {
      this.#checkedMs = nowMs;
      await this.#load().catch((error: unknown) => this.#events.htpasswdInvalid(error));
    }
    return this.#users;
  }

  async #load(): Promise<void> {
    const { mtimeMs, size, ino } = await stat(this.#file).catch(this.#unreadable);
    const version = `${ino}.${mtimeMs}.${size}`;
    if (version === this.#version) return;
    this.#version = version;
    this.#users = parseHtpasswd(await readFile(this.#file, 'utf8').catch(this.#unreadable), this.#file);
  }

  readonly #unreadable = (cause: Error): never => {
    throw new ShoalError('HTPASSWD_INVALID', 500, `auth.htpasswdFile: ${this.#file} can't be read: ${cause.message}`, {
      cause,
    });
  };
}

/** @throws ShoalError HTPASSWD_INVALID; the message never quotes a hash */
export const parseHtpasswd = (text: string, file: string): Map<string, string> => {
  const users = new Map<string, string>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const colon = line.indexOf(':');
    const hash = line.slice(colon + 1).trim();
    if (colon < 1 || !bcryptHash.test(hash)) {
      throw new ShoalError(
        'HTPASSWD_INVALID',
        500,
        `auth.htpasswdFile: line ${index + 1} of ${file} is not <user>:<bcrypt hash>; htpasswd -B writes such lines`,
      );
    }
    users.set(line.slice(0, colon), hash);
  }
  return users;
};
