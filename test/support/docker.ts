import { randomFillSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from './run.ts';

export const docker = (...args: string[]): Promise<string> =>
  run('docker', args, { env: { DOCKER_BUILDKIT: '0' }, timeoutMs: 300_000 });

/**
 * Builds an image FROM scratch with one layer of random bytes a size. The classic builder leaves no cache behind that
 * would let a later pull skip a layer.
 */
export const buildImage = async (name: string, layerSizes: readonly number[]): Promise<void> => {
  const context = await mkdtemp(path.join(tmpdir(), 'shoal-image-'));
  try {
    const files = layerSizes.map((size, index) => ({ file: `layer-${index}`, size }));
    for (const { file, size } of files) await writeFile(path.join(context, file), randomFillSync(Buffer.alloc(size)));
    const copies = files.map(({ file }) => `COPY ${file} /${file}`);
    await writeFile(path.join(context, 'Dockerfile'), ['FROM scratch', ...copies, 'CMD ["/layer-0"]'].join('\n'));
    await docker('build', '--quiet', '--tag', name, context);
  } finally {
    await rm(context, { recursive: true, force: true });
  }
};

/** The digest of the configuration: what makes two images the same, whatever they are called. */
export const imageId = async (name: string): Promise<string> =>
  (await docker('image', 'inspect', '--format', '{{.Id}}', name)).trim();

/** Removes every reference to the image, so that the next pull moves its bytes again. */
export const removeImage = async (id: string): Promise<void> => {
  await docker('rmi', '--force', id);
};

export const imageExists = async (id: string): Promise<boolean> =>
  (await docker('images', '--all', '--no-trunc', '--quiet')).split('\n').includes(id);
