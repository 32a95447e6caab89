import { readFile } from 'node:fs/promises';
import { askCredentialHelper } from './credential-helper.ts';
import { type Credential, unreadable } from './credentials.ts';
import { registryHost } from './upstream-name.ts';

/** The key under which docker keeps Docker Hub's credentials. */
const dockerHubServer = 'https://index.docker.io/v1/';

/**
 * The credentials of a registry in a docker config.json, read at every call: `credHelpers`, then `credsStore`, then `auths`,
 * as docker does. `host` is `registryHost`'s; a key counts for exactly that host and port.
 * @throws UpstreamError `denied` when the file cannot be read or a helper fails
 */
export const dockerConfigCredential = async (file: string, host: string): Promise<Credential | undefined> => {
  const config = await readConfig(file);
  const helper = entryOf(config['credHelpers'], host) ?? config['credsStore'];
  if (typeof helper === 'string' && helper !== '') {
    const found = await askCredentialHelper(helper, host === 'docker.io' ? dockerHubServer : host);
    if (found) return found;
  }
  const entry = entryOf(config['auths'], host);
  return isRecord(entry) ? credentialOf(file, host, entry) : undefined;
};

const readConfig = async (file: string): Promise<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (isRecord(value)) return value;
  } catch (error) {
    throw unreadable(`${file} ${error instanceof SyntaxError ? 'is not JSON' : 'cannot be read'}`);
  }
  throw unreadable(`${file} is not a JSON object`);
};

const entryOf = (entries: unknown, host: string): unknown =>
  isRecord(entries) ? Object.entries(entries).find(([key]) => hostOfKey(key) === host)?.[1] : undefined;

/** `ghcr.io`, `https://ghcr.io`, `https://index.docker.io/v1/`; a key with another path is for a part of a registry only. */
const hostOfKey = (key: string): string | undefined => {
  const match = /^(?:https?:\/\/)?([^/]+)(?:\/(?:v[12]\/?)?)?$/.exec(key);
  return match?.[1] === undefined ? undefined : registryHost(match[1]);
};

const credentialOf = (file: string, host: string, entry: Record<string, unknown>): Credential | undefined => {
  const { auth, username, password, identitytoken } = entry;
  if (typeof identitytoken === 'string' && identitytoken !== '') return { kind: 'identity', token: identitytoken };
  if (typeof username === 'string' && typeof password === 'string' && username !== '')
    return { kind: 'password', username, password };
  if (typeof auth !== 'string' || auth === '') return undefined;
  const text = Buffer.from(auth, 'base64').toString();
  const colon = text.indexOf(':');
  if (colon < 1) throw unreadable(`auth of ${host} in ${file} is not base64 of user:password`);
  // Docker pads with NUL characters.
  return { kind: 'password', username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, '') };
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
