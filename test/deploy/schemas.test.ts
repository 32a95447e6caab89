/** The manifests against the types of Kubernetes and of the Prometheus operator. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { type Manifest, manifestFiles, root, typeModule } from './manifests.ts';

interface Model {
  validate(): void;
}

for (const [file, manifests] of manifestFiles()) {
  test(`${file} matches the schemas`, async () => {
    assert.ok(manifests.length > 0);
    for (const manifest of manifests) {
      const types = (await import(typeModule(manifest))) as Record<string, new (data: Manifest) => Model>;
      const { kind, metadata } = manifest;
      const model = new types[kind]!(manifest);
      assert.doesNotThrow(() => model.validate(), `${kind} ${metadata.name}`);
    }
  });
}

/** The compiler's complaints about manifests as literals of their types: the schemas let unknown keys pass, it does not. */
const complaints = (manifests: readonly Manifest[]): string => {
  const folder = path.join(root, '.shoal', `manifests-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  try {
    const lines = manifests.map((manifest, index) => {
      const type = `import('${typeModule(manifest)}').I${manifest.kind}`;
      return `export const m${index}: ${type} = ${JSON.stringify(manifest)};`;
    });
    writeFileSync(path.join(folder, 'manifests.ts'), lines.join('\n'));
    const flags = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'esnext'];
    const tsc = path.join(root, 'node_modules/.bin/tsc');
    execFileSync(tsc, [...flags, '--ignoreConfig', path.join(folder, 'manifests.ts')], { encoding: 'utf8', cwd: root });
    return '';
  } catch (error) {
    return (error as { stdout: string }).stdout;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

test('the manifests have no key that their types do not know', () => {
  const manifests = manifestFiles().flatMap(([, documents]) => documents);
  assert.equal(complaints(manifests), '');
  const [pod] = manifests.filter(({ kind }) => kind === 'Pod');
  const misspelt = { ...pod!, spec: { ...pod!.spec, hostNetwrok: true } };
  assert.match(complaints([misspelt]), /hostNetwrok/);
});
