import { execFile } from 'node:child_process';
import { type Credential, unreadable } from './credentials.ts';

const deadlineMs = 15_000;
const outputBytesMax = 256 * 1024;

/** What helpers print when they know nothing of a server. Source: docker-credential-helpers, credentials/error.go. */
const notFound = /credentials not found|no credentials server URL/i;

/** Identity tokens come under this name. Source: docker-credential-helpers, credentials/credentials.go. */
const identityUser = '<token>';

/**
 * Asks `docker-credential-<name> get` for the credentials of a server; nothing of what it prints gets into an error.
 * Undefined when it has none. @throws UpstreamError `denied` when it fails, is missing, or takes longer than 15 s
 */
export const askCredentialHelper = async (name: string, server: string): Promise<Credential | undefined> => {
  const program = `docker-credential-${name}`;
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name))
    throw unreadable(`${JSON.stringify(name)} is not the name of a helper`);
  const { output, failure } = await run(program, server);
  if (failure !== undefined) {
    if (notFound.test(output)) return undefined;
    throw unreadable(`${program} ${failure}`);
  }
  const { Username: username, Secret: secret } = parsed(program, output);
  if (typeof username !== 'string' || typeof secret !== 'string')
    throw unreadable(`${program} gave no Username and Secret`);
  return username === identityUser
    ? { kind: 'identity', token: secret }
    : { kind: 'password', username, password: secret };
};

const run = (program: string, input: string): Promise<{ output: string; failure: string | undefined }> =>
  new Promise((resolve) => {
    const options = { timeout: deadlineMs, maxBuffer: outputBytesMax, killSignal: 'SIGKILL' as const };
    const child = execFile(program, ['get'], options, (error, stdout, stderr) => {
      const failure = error && (error.killed === true ? 'took too long' : `failed with ${error.code ?? error.signal}`);
      resolve({ output: failure ? `${stdout}${stderr}` : stdout, failure: failure ?? undefined });
    });
    // A helper that does not read its input fails by its own exit code.
    child.stdin?.on('error', () => {});
    child.stdin?.end(`${input}\n`);
  });

const parsed = (program: string, output: string): Record<string, unknown> => {
  try {
    return (JSON.parse(output) ?? {}) as Record<string, unknown>;
  } catch {
    throw unreadable(`${program} printed no JSON`);
  }
};
