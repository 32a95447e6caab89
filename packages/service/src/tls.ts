import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ShoalError } from '@shoal/core';

/** Files of a TLS listener or client; see `tlsFiles()` for the keys of the configuration. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile?: string;
}

/** Options that node:tls, node:https, fastify (`https`) and undici (`connect`) take. */
export interface TlsOptions {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca?: Buffer;
}

export class TlsFileError extends ShoalError {
  constructor(key: string, file: string, reason: string) {
    super('TLS_FILE_INVALID', 500, `${key}: ${file} ${reason}`);
  }
}

/**
 * Reads and checks certificate, key and authorities. `key` is the section of the configuration: `registry.tls`.
 * @throws TlsFileError naming the key and the file: unreadable, no PEM, a key of another certificate.
 */
export const loadTls = (key: string, files: TlsFiles): TlsOptions => {
  const cert = readPem(`${key}.certFile`, files.certFile);
  const privateKey = readPem(`${key}.keyFile`, files.keyFile);
  const certificate = parsed(
    `${key}.certFile`,
    files.certFile,
    'holds no PEM certificate',
    () => new X509Certificate(cert),
  );
  const keyObject = parsed(`${key}.keyFile`, files.keyFile, 'holds no PEM private key without a passphrase', () =>
    createPrivateKey(privateKey),
  );
  if (!certificate.checkPrivateKey(keyObject))
    throw new TlsFileError(`${key}.keyFile`, files.keyFile, `is not the key of the certificate in ${files.certFile}`);
  if (files.caFile === undefined) return { cert, key: privateKey };
  return { cert, key: privateKey, ca: loadAuthorities(`${key}.caFile`, files.caFile) };
};

/** What an HTTPS listener takes. */
export interface ServerTls extends TlsOptions {
  readonly requestCert: boolean;
  readonly rejectUnauthorized: boolean;
}

/** With authorities in the configuration clients must bring a certificate that one of them has signed. @throws TlsFileError */
export const serverTls = (key: string, files: TlsFiles | undefined): ServerTls | undefined => {
  if (files === undefined) return undefined;
  const tls = loadTls(key, files);
  return { ...tls, requestCert: tls.ca !== undefined, rejectUnauthorized: true };
};

/** What a client is told of TLS: whom it trusts instead of the system's authorities, what it shows when it is asked. */
export interface ClientTlsFiles {
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

/** For the `connect` options of undici. @throws TlsFileError */
export const clientTls = (key: string, { caFile, certFile, keyFile }: ClientTlsFiles): Partial<TlsOptions> => ({
  ...(certFile !== undefined && keyFile !== undefined && loadTls(key, { certFile, keyFile })),
  ...(caFile !== undefined && { ca: loadAuthorities(`${key}.caFile`, caFile) }),
});

/** Certificate authorities alone, for a client. @throws TlsFileError */
export const loadAuthorities = (key: string, file: string): Buffer => {
  const ca = readPem(key, file);
  parsed(key, file, 'holds no PEM certificate', () => new X509Certificate(ca));
  return ca;
};

const readPem = (key: string, file: string): Buffer => {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new TlsFileError(key, file, `can't be read: ${(error as Error).message}`);
  }
};

const parsed = <Result>(key: string, file: string, reason: string, parse: () => Result): Result => {
  try {
    return parse();
  } catch {
    throw new TlsFileError(key, file, reason);
  }
};
