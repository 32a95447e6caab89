import { type Codecs, NameTable } from './codec.ts';
import { handshakeFrameBytesMax, hashBytes, reasonBytesMax } from './limits.ts';
import type { ErrorCode } from './messages.ts';
import { readCredential, writeCredential } from './credential.ts';

const errorCodes = new NameTable<ErrorCode>('code', [
  'protocol',
  'version',
  'cluster',
  'credential',
  'role',
  'self',
  'stale',
  'unlinked',
  'overloaded',
  'closing',
]);

export const handshakeCodecs: Codecs<'challenge' | 'hello' | 'ready' | 'error'> = {
  challenge: {
    code: 1,
    bytesMax: 4 + hashBytes,
    write(out, { versionMin, versionMax, nonce }) {
      out.u16(versionMin, 'versionMin');
      out.u16(versionMax, 'versionMax');
      out.fixed(nonce, hashBytes, 'nonce');
    },
    read(input) {
      const versionMin = input.u16('versionMin');
      const versionMax = input.u16('versionMax');
      if (versionMin > versionMax) input.fail(`versionMin ${versionMin} is over versionMax ${versionMax}`);
      return { type: 'challenge', versionMin, versionMax, nonce: input.bytes(hashBytes, 'nonce') };
    },
  },
  hello: {
    code: 2,
    bytesMax: handshakeFrameBytesMax - 1,
    write(out, { signed, credential }) {
      out.bytes(signed);
      if (credential) writeCredential(out, credential);
    },
    read: readCredential,
  },
  ready: {
    code: 3,
    bytesMax: 0,
    write() {},
    read: () => ({ type: 'ready' }),
  },
  error: {
    code: 4,
    bytesMax: 3 + reasonBytesMax,
    write(out, { code, reason }) {
      errorCodes.write(out, code);
      out.text(reason, 'reason', reasonBytesMax);
    },
    read: (input) => ({ type: 'error', code: errorCodes.read(input), reason: input.text('reason', reasonBytesMax) }),
  },
};
