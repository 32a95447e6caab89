import assert from 'node:assert/strict';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { X509Certificate } from 'node:crypto';
import { Writable } from 'node:stream';
import { pemFile, type TestCertificate } from '../../../test/support/tls/certificates.ts';
import { followTls, type TlsText } from './follow-tls.ts';
import { createLogger } from './log.ts';
import { TlsFileError } from './tls.ts';

test('tells of files that changed, keeps what works when they break, and stops', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-tls-'));
  const files = { certFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key'), caFile: join(folder, 'ca.crt') };
  const put = async (name: TestCertificate): Promise<void> => {
    await copyFile(pemFile(`${name}-key`), files.keyFile);
    await copyFile(pemFile(name), files.certFile);
  };
  await copyFile(pemFile('ca'), files.caFile);
  await put('member');
  const lines: string[] = [];
  const destination = new Writable({
    write(line: Buffer, _encoding, done) {
      lines.push(line.toString());
      done();
    },
  });
  const log = createLogger({ service: 'test', destination });
  const subjects: string[] = [];
  const note = ({ cert }: TlsText): void => void subjects.push(new X509Certificate(cert).subject);
  const open = (tls: TlsText) => {
    note(tls);
    return { renew: note };
  };
  try {
    using parts = new DisposableStack();
    followTls(parts, { key: 'pieces.tls', files, log, open, everyMs: 5 });
    await put('other-member');
    await until(() => subjects.length === 2);
    await writeFile(files.certFile, 'half a certif');
    await until(() => lines.some((line) => /pieces\.tls\.certFile: .* holds no PEM certificate/.test(line)));
    await put('member');
    await until(() => subjects.length === 3);
    assert.deepEqual(subjects, ['CN=test-only member', 'CN=test-only other-member', 'CN=test-only member']);
    await rm(files.certFile);
    assert.throws(() => followTls(parts, { key: 'pieces.tls', files, log, open }), TlsFileError);
    assert.equal(followTls(parts, { key: 'pieces.tls', files: undefined, log, open }), undefined);
  } finally {
    await rm(folder, { recursive: true });
  }
});

const until = async (condition: () => boolean): Promise<void> => {
  for (let turn = 0; !condition(); turn++) {
    assert.ok(turn < 2000, `never so: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};
