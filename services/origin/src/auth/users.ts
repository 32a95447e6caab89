import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { OciError } from '@shoal/core';
import { BcryptThread } from './bcrypt-thread.ts';
import type { Credentials } from './credentials.ts';
import type { HtpasswdFile } from './htpasswd.ts';

/** Verified passwords that are remembered, and for how long. */
const rememberedMax = 1_000;
const rememberedMs = 300_000;

/** bcrypt comparisons that wait at the same moment; each takes some 60 ms of their thread. */
const comparisonsMax = 16;

/** Compared with when a user is unknown, so that the answer takes as long as for a known one. */
const nobodyHash = '$2b$10$CwTycUXWue0Thq9StjUM0uJ8T3ouDXsjaEf1X1C7X2bE6d1ZtCj1a';

/**
 * Who may push: users of an htpasswd file, and holders of a static token, sent as Bearer or as a Basic password.
 * docker sends the password with every one of its requests, so a verified one is remembered for five minutes as a
 * keyed hash, for as long as the file does not change.
 */
export class Users implements AsyncDisposable {
  readonly #htpasswd: HtpasswdFile | undefined;
  readonly #tokenHashes: readonly Buffer[];
  readonly #clock: () => number;
  readonly #bcrypt = new BcryptThread();
  readonly #key = randomBytes(32);
  readonly #remembered = new Map<string, number>();
  readonly #comparing = new Map<string, Promise<boolean>>();
  #rememberedFor: ReadonlyMap<string, string> | undefined;

  constructor(options: { htpasswd: HtpasswdFile | undefined; tokens: readonly string[]; clock: () => number }) {
    this.#htpasswd = options.htpasswd;
    this.#tokenHashes = options.tokens.map(sha256);
    this.#clock = options.clock;
  }

  /** The name to log for valid credentials, undefined for others. @throws OciError TOOMANYREQUESTS, ShoalError BUSY */
  async verify(credentials: Credentials): Promise<string | undefined> {
    const token = 'token' in credentials ? credentials.token : credentials.password;
    if (this.#isToken(token)) return 'token';
    if ('token' in credentials || !this.#htpasswd) return undefined;
    const { user, password } = credentials;
    return (await this.#passwordMatches(this.#htpasswd, user, password)) ? user : undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#bcrypt[Symbol.asyncDispose]();
  }

  // Hashes are compared, all of them, so that the time tells nothing about a token.
  #isToken(token: string): boolean {
    const given = sha256(token);
    return this.#tokenHashes.reduce((found, hash) => timingSafeEqual(hash, given) || found, false);
  }

  async #passwordMatches(htpasswd: HtpasswdFile, user: string, password: string): Promise<boolean> {
    const users = await htpasswd.users();
    if (users !== this.#rememberedFor) this.#remembered.clear();
    this.#rememberedFor = users;
    const key = createHmac('sha256', this.#key).update(`${user.length}:${user}${password}`).digest('base64');
    if ((this.#remembered.get(key) ?? -Infinity) > this.#clock()) return true;
    const running = this.#comparing.get(key) ?? this.#compare(key, password, users.get(user));
    const matches = await running;
    if (matches && users === this.#rememberedFor) this.#remember(key);
    return matches;
  }

  #compare(key: string, password: string, hash: string | undefined): Promise<boolean> {
    if (this.#comparing.size >= comparisonsMax)
      throw new OciError('TOOMANYREQUESTS', 'too many logins at the same moment');
    const running = this.#bcrypt
      .compare(password, hash ?? nobodyHash)
      .then((matches) => matches && hash !== undefined)
      .finally(() => this.#comparing.delete(key));
    this.#comparing.set(key, running);
    return running;
  }

  #remember(key: string): void {
    if (this.#remembered.size >= rememberedMax) this.#remembered.delete(this.#remembered.keys().next().value ?? '');
    this.#remembered.set(key, this.#clock() + rememberedMs);
  }
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();
