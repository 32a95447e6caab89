/** A data thread whose pieces have a SHA-256; 16 bytes of 0xff at the start of a slice are its end. */
import { createHash } from 'node:crypto';
import { serveDataThread } from '../threads/serve-thread.ts';

serveDataThread(() => {
  const running = createHash('sha256');
  return {
    update(bytes) {
      if (bytes.subarray(0, 16).every((byte) => byte === 0xff)) throw new Error('a defect');
      running.update(bytes);
    },
    finish: () => new Uint8Array(running.digest()),
  };
});
