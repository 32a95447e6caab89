import { randomBytes } from 'node:crypto';
import { HttpSide, readText, sendJson } from './http-side.ts';

export interface TokenServerOptions {
  readonly tls: boolean;
  /** Who gets tokens for private repositories. */
  readonly user?: { readonly name: string; readonly password: string } | undefined;
  readonly identityToken?: string | undefined;
  /** 404 to GET, as token servers that know OAuth2 only. */
  readonly postOnly?: boolean;
  readonly expiresInSeconds?: number;
}

export interface TokenLogLine {
  readonly method: string;
  readonly scope: string;
  readonly service: string;
  readonly user: string | undefined;
}

/** A token server as Docker's registry has one beside it. It knows the tokens that it gave out and for which scope. */
export class TokenServer implements AsyncDisposable {
  readonly log: TokenLogLine[] = [];
  /** Every secret that went over the wire: none of it may appear in a log of ours. */
  readonly secrets: string[] = [];
  readonly #scopes = new Map<string, { readonly scopes: readonly string[]; readonly user: string | undefined }>();
  readonly #options: TokenServerOptions;
  #side!: HttpSide;

  private constructor(options: TokenServerOptions) {
    this.#options = options;
  }

  static async start(options: TokenServerOptions): Promise<TokenServer> {
    const server = new TokenServer(options);
    server.#side = await HttpSide.start(options.tls, async (request, reply, url) => {
      if (url.pathname !== '/token') return sendJson(reply, 404, {});
      if (options.postOnly === true && request.method === 'GET') return sendJson(reply, 404, {});
      const form = request.method === 'POST' ? new URLSearchParams(await readText(request)) : url.searchParams;
      const user = server.#userOf(request.headers.authorization, form);
      if (user === 'refused') return sendJson(reply, 401, { details: 'incorrect username or password' });
      // One parameter each, or one with spaces: clients do either, and add scopes of their own.
      const [scope, service] = [form.getAll('scope').join(' '), form.get('service') ?? ''];
      server.log.push({ method: request.method ?? '', scope, service, user });
      const token = server.#give(scope, user);
      // OAuth2 has its own name for it, which POST is answered with.
      const named = request.method === 'POST' ? { access_token: token } : { token };
      sendJson(reply, 200, { ...named, expires_in: options.expiresInSeconds ?? 300 });
    });
    return server;
  }

  get realm(): string {
    return `${this.#side.url}/token`;
  }

  /** Whether an Authorization header opens a repository for pulls; a private one only with a token for its user. */
  admits(authorization: string | undefined, repository: string, isPrivate: boolean): boolean {
    const given = this.#scopes.get(authorization?.replace(/^Bearer /, '') ?? '');
    const isFor = given?.scopes.includes(`repository:${repository}:pull`) === true;
    return isFor && (!isPrivate || given.user !== undefined);
  }

  /** All tokens are void from now on, whatever was promised. */
  revokeAll(): void {
    this.#scopes.clear();
  }

  #give(scope: string, user: string | undefined): string {
    const token = `token-${randomBytes(12).toString('hex')}`;
    this.#scopes.set(token, { scopes: scope.split(' '), user });
    this.secrets.push(token);
    return token;
  }

  #userOf(authorization: string | undefined, form: URLSearchParams): string | undefined {
    const { user, identityToken } = this.#options;
    if (form.get('grant_type') === 'refresh_token')
      return form.get('refresh_token') === identityToken ? 'by identity' : 'refused';
    const basic = authorization?.startsWith('Basic ')
      ? Buffer.from(authorization.slice(6), 'base64').toString()
      : undefined;
    const asked = basic ?? (form.has('password') ? `${form.get('username')}:${form.get('password')}` : undefined);
    if (asked === undefined) return undefined;
    this.secrets.push(...(authorization === undefined ? [] : [authorization.slice(6)]));
    return user && asked === `${user.name}:${user.password}` ? user.name : 'refused';
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#side[Symbol.asyncDispose]();
  }
}
