// Child process of the crash test: commits blobs without end and tells of each that was acknowledged.
import { defaultPieceLengthPolicy, parseRepositoryName, randomBelow, seededPrng } from '@shoal/core';
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { BlobStore } from '../blob-store.ts';
import { SigningKey } from '../signing-key.ts';
import { contentOf, describeContent, inChunks } from './content.ts';

const [folder = '', seed = '0'] = process.argv.slice(2);
const prng = seededPrng(Number(seed));
const key = await SigningKey.loadOrCreate(join(folder, 'key.pem'));
const store = await BlobStore.open({ folder: join(folder, 'store'), policy: defaultPieceLengthPolicy, key });
writeSync(1, 'ready\n');

const commitForever = async (): Promise<never> => {
  for (;;) {
    const bytes = contentOf(randomBelow(prng, 2 ** 31), randomBelow(prng, prng() < 0.3 ? 3_000_000 : 5000));
    const { digest } = describeContent(bytes);
    if (prng() < 0.3) {
      await store.put(bytes);
    } else {
      const upload = await store.uploads.create(parseRepositoryName('crash/test'));
      await upload.append(inChunks(bytes, 50_000));
      await upload.commit(digest);
    }
    writeSync(1, `acknowledged ${digest}\n`);
  }
};

await Promise.all([commitForever(), commitForever(), commitForever()]);
