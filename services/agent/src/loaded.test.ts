import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

test('an agent that was only started has loaded no libraries that it does not need: an idle node would keep them', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'shoal-loaded-'));
  try {
    const script = fileURLToPath(import.meta.resolve('./testing/print-loaded.ts'));
    const { stdout } = await promisify(execFile)(process.execPath, [script, folder], { timeout: 60_000 });
    const loaded = JSON.parse(stdout) as string[];
    const ofThese = (names: RegExp) => loaded.filter((name) => names.test(name));
    assert.ok(ofThese(/node_modules\/fastify\/fastify\.js$/).length > 0);
    assert.deepEqual(
      ofThese(/internal\/deps\/undici/),
      [],
      "Node's own undici: node:http is imported, or fetch called",
    );
    assert.deepEqual(ofThese(/undici\/(?:index|lib\/web)/), [], 'undici but for its pool and request');
    assert.deepEqual(ofThese(/ajv-compiler|fast-json-stringify\/index/), [], 'the schema compilers of fastify');
    assert.deepEqual(ofThese(/@opentelemetry\/(?!api\/)/), [], 'tracing');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
