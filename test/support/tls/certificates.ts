import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * Certificates made for tests and used nowhere else. `member`, `other-member`, `expired` and `bound` (to peer id 11...11)
 * are signed by `ca`; `stranger` is not. The keys of the authorities were thrown away.
 */
export type TestCertificate = 'member' | 'other-member' | 'bound' | 'stranger' | 'expired';

/** The path of a PEM file. */
export const pemFile = (name: TestCertificate | `${TestCertificate}-key` | 'ca' | 'stranger-ca'): string =>
  fileURLToPath(new URL(`${name}.pem`, import.meta.url));

/** Certificate and key, and the authority that members trust, as PEM text. */
export const certificates = (name: TestCertificate): { cert: string; key: string; ca: string } => {
  const [cert, key, ca] = [pemFile(name), pemFile(`${name}-key`), pemFile('ca')].map((file) =>
    readFileSync(file, 'utf8'),
  );
  return { cert: cert!, key: key!, ca: ca! };
};
