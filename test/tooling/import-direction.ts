/**
 * Checks that imports point one way (import-rules.ts) and that the pure packages import nothing with I/O.
 * `node test/tooling/import-direction.ts [root]` prints one line a violation and exits 1 when there is one,
 * or when it found nothing to check.
 */
import { globSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { importRules, secondEntries, type WorkspaceRule } from './import-rules.ts';

/** One import statement: the importing file and the specifier, both as written, with `/` separators. */
interface Import {
  readonly file: string;
  readonly line: number;
  readonly specifier: string;
}

const importPattern =
  /(?:^|\n)[ \t]*(?:import|export)\b(?:[^'"`;]*?\bfrom)?\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g;

const importsOf = (root: string, file: string): Import[] => {
  const text = readFileSync(path.join(root, file), 'utf8');
  return [...text.matchAll(importPattern)].map((match) => ({
    file,
    line: text.slice(0, match.index).split('\n').length + (match[0].startsWith('\n') ? 1 : 0),
    specifier: match[1] ?? match[2] ?? '',
  }));
};

const isTestFile = (file: string): boolean => /(?:\.test|-conformance)\.ts$|\/(?:testing|test)\//.test(file);

/** Tests of one service run it beside the real others, over real sockets. */
const isServiceTest = (workspace: string, file: string): boolean =>
  workspace.startsWith('services/') && isTestFile(file);

/** Why the import is not allowed, or undefined when it is. */
const violation = (workspace: string, rule: WorkspaceRule, { file, specifier }: Import): string | undefined => {
  if (specifier.startsWith('.')) return relativeViolation(workspace, file, specifier);
  const scoped = /^@shoal\/([^/]+)(\/.*)?$/.exec(specifier);
  if (scoped && isServiceTest(workspace, file) && `services/${scoped[1]}` in importRules && !scoped[2])
    return undefined;
  if (scoped) return workspaceViolation(workspace, rule, scoped[1] ?? '', scoped[2]);
  if (!rule.pure || isTestFile(file)) return undefined;
  if (isBuiltin(specifier)) return `${workspace} is pure: it does no I/O, the shell does it`;
  const allowed = rule.pure.npm.some((name) => specifier === name || specifier.startsWith(`${name}/`));
  return allowed ? undefined : `${workspace} is pure: allowed from npm: ${rule.pure.npm.join(', ') || 'nothing'}`;
};

const relativeViolation = (workspace: string, file: string, specifier: string): string | undefined => {
  const target = path.posix.join(path.posix.dirname(file), specifier);
  if (target.startsWith(`${workspace}/`)) return undefined;
  if (isTestFile(file) && target.startsWith('test/support/')) return undefined;
  return `a relative import leaves ${workspace}: import the package by its name`;
};

const workspaceViolation = (
  workspace: string,
  rule: WorkspaceRule,
  name: string,
  subpath: string | undefined,
): string | undefined => {
  if (`services/${name}` in importRules) return `no one imports a service (${workspace} -> services/${name})`;
  if (subpath !== undefined && !secondEntries.includes(name + subpath))
    return `import @shoal/${name} itself: a package has one entry`;
  if (workspace.endsWith(`/${name}`)) return 'a package does not import itself by name';
  if (rule.workspaces.includes(name)) return undefined;
  return `${workspace} may import: ${rule.workspaces.join(', ') || 'no other package'}`;
};

const check = (root: string): { violations: string[]; files: number; imports: number } => {
  const violations: string[] = [];
  let [files, imports] = [0, 0];
  const found = globSync(['packages/*', 'services/*', 'deploy/local'], { cwd: root }).map((name) =>
    name.replaceAll(path.sep, '/'),
  );
  for (const workspace of found) {
    const rule = importRules[workspace];
    if (!rule) violations.push(`${workspace}: has no line in test/tooling/import-rules.ts`);
    for (const file of globSync(`${workspace}/**/*.ts`, { cwd: root, exclude: ['**/node_modules'] })) {
      files++;
      for (const one of importsOf(root, file.replaceAll(path.sep, '/'))) {
        imports++;
        const reason = rule && violation(workspace, rule, one);
        if (reason !== undefined) violations.push(`${one.file}:${one.line} imports '${one.specifier}': ${reason}`);
      }
    }
  }
  return { violations, files, imports };
};

const root = path.resolve(process.argv[2] ?? path.join(import.meta.dirname, '../..'));
const { violations, files, imports } = check(root);
for (const line of violations) console.error(line);
console.log(`import direction: ${imports} imports in ${files} files, ${violations.length} violations`);
// Nothing read means that the check looked in the wrong place.
process.exitCode = violations.length > 0 || imports === 0 ? 1 : 0;
