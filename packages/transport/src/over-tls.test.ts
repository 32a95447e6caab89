/** The suites of the transport once more, over mutual TLS. */
import { suite } from 'node:test';
import { certificates } from '../../../test/support/tls/certificates.ts';
import { runOver, tlsWire } from './testing/wire.ts';

runOver(tlsWire(certificates('member')));

for (const name of ['handshake', 'settle', 'hostile', 'data', 'advertised', 'dial-limits'])
  suite(`over TLS: ${name}`, () => import(`./${name}.test.ts`));
