/**
 * Checks each package as its users get it: packed with `npm pack`, looked over by publint and are-the-types-wrong, and
 * installed alone in an empty folder, where every example of its README type-checks and runs as an ES module and as CommonJS.
 *
 *   npm run check:pack                  every package (needs their builds)
 *   npm run check:pack -- safetensors   one
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { compileExample, examplesOf, installedByReader } from './readme-examples';
import {
  commandScript,
  mapLimited,
  publicPackages,
  readManifest,
  run,
  runNode,
  workspaceRoot,
  type RunResult,
  type WorkspacePackage,
} from './workspace';

/** One package's verdict; no problems means that it passed. */
export interface PackReport {
  readonly name: string;
  readonly problems: readonly string[];
  readonly seconds: number;
}

/** Checks the packages with the given folder names, or all, and prints each verdict when it is there. */
export async function checkPacks(folderNames: readonly string[] = []): Promise<PackReport[]> {
  const packages = publicPackages();
  const known = packages.map(({ folder }) => basename(folder));
  const unknown = folderNames.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new Error(`No package ${unknown.join(', ')}; there are ${known.join(', ')}.`);
  }
  const chosen = packages.filter(
    ({ folder }) => folderNames.length === 0 || folderNames.includes(basename(folder)),
  );

  const scratch = await mkdtemp(join(tmpdir(), 'loop-diffusion-pack-'));
  try {
    const packed = join(scratch, 'packed');
    await mkdir(packed);
    const needed = new Set(chosen.flatMap((one) => internalClosure(one.manifest.name, packages)));
    const tarballs = await pack(
      packages.filter(({ manifest }) => needed.has(manifest.name)),
      packed,
    );
    return await mapLimited(chosen, 2, async (one) => {
      const started = Date.now();
      const problems = await checkPackage(one, { packages, tarballs, scratch }).catch(
        (error: unknown) => [String(error)],
      );
      const seconds = (Date.now() - started) / 1000;
      const report: PackReport = { name: one.manifest.name, problems, seconds };
      print(report);
      return report;
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

interface PackContext {
  readonly packages: readonly WorkspacePackage[];
  readonly tarballs: ReadonlyMap<string, string>;
  readonly scratch: string;
}

async function checkPackage(one: WorkspacePackage, context: PackContext): Promise<string[]> {
  const { name } = one.manifest;
  const tarball = context.tarballs.get(name);
  if (tarball === undefined) return ['npm pack left no tarball.'];

  const problems: string[] = [];
  const collect = (what: string, { status, output }: RunResult) => {
    if (status !== 0) problems.push(`${what} failed:\n${output.trim()}`);
    return status === 0;
  };

  if (!existsSync(join(one.folder, 'LICENSE'))) problems.push('LICENSE is missing.');
  collect(
    'publint',
    await runNode(commandScript('publint', 'publint'), ['run', tarball, '--strict']),
  );
  collect(
    'are-the-types-wrong',
    await runNode(commandScript('@arethetypeswrong/cli', 'attw'), [
      ...[tarball, '--profile', 'node16', '--no-emoji', '--no-color', '--format', 'ascii'],
    ]),
  );

  if (!existsSync(join(one.folder, 'README.md'))) return [...problems, 'README.md is missing.'];
  const readme = await readFile(join(one.folder, 'README.md'), 'utf8');
  const examples = examplesOf(readme);
  if (examples.length === 0) problems.push('README.md has no example fenced as ```ts.');

  const folder = join(context.scratch, basename(one.folder));
  await mkdir(folder);
  const installed = collect(
    'npm install',
    await installAlone(one, installedByReader(readme), context, folder),
  );
  if (!installed) return problems;

  collect('the types of README.md', await checkTypes(examples, folder));
  for (const [index, example] of examples.entries()) {
    for (const [form, extension] of [
      ['esm', 'mjs'],
      ['cjs', 'cjs'],
    ] as const) {
      const file = join(folder, `example-${index + 1}.${extension}`);
      await writeFile(file, compileExample(example, form));
      collect(
        `example ${index + 1} of README.md as ${form}`,
        await runNode(file, [], { folder, timeoutSeconds: 600 }),
      );
    }
  }
  for (const command of Object.keys(one.manifest.bin ?? {})) {
    const script = join(folder, 'node_modules', '.bin', command);
    collect(
      `${command} --help`,
      await runNode(script, ['--help'], { folder, timeoutSeconds: 300 }),
    );
  }
  return problems;
}

/**
 * Packs into `destination`.
 *
 * @returns each package's tarball by its name
 * @throws Error with what npm said when it fails
 */
async function pack(
  packages: readonly WorkspacePackage[],
  destination: string,
): Promise<Map<string, string>> {
  const workspaces = packages.flatMap(({ manifest }) => ['--workspace', manifest.name]);
  const { status, output } = await run('npm', [
    ...['pack', '--ignore-scripts', '--loglevel=error', '--pack-destination', destination],
    ...workspaces,
  ]);
  if (status !== 0) throw new Error(`npm pack failed:\n${output}`);
  return new Map(
    packages.map(({ manifest: { name, version } }) => [
      name,
      join(destination, `${name.slice(1).replace('/', '-')}-${version}.tgz`),
    ]),
  );
}

/**
 * Installs what the README names into an empty folder. No registry has this version of our packages yet, so they come
 * from their tarballs; everything else comes from npm in the version that the workspace has, which npm's cache holds.
 */
async function installAlone(
  one: WorkspacePackage,
  named: readonly string[],
  context: PackContext,
  folder: string,
): Promise<RunResult> {
  const ours = new Set(context.packages.map(({ manifest }) => manifest.name));
  if (!named.includes(one.manifest.name)) {
    throw new Error(`README.md's install line does not name ${one.manifest.name}.`);
  }
  const dependencies: Record<string, string> = {};
  for (const name of named) {
    if (ours.has(name)) {
      for (const internal of internalClosure(name, context.packages)) {
        dependencies[internal] = `file:${context.tarballs.get(internal) ?? internal}`;
      }
    } else {
      const version = /(?<=.)@(.+)$/.exec(name)?.[1];
      const bare = version === undefined ? name : name.slice(0, -version.length - 1);
      dependencies[bare] =
        version ?? readManifest(join(workspaceRoot, 'node_modules', bare)).version;
    }
  }
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }));
  return run(
    'npm',
    [
      'install',
      '--ignore-scripts',
      '--prefer-offline',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
    ],
    { folder },
  );
}

/** Type-checks the examples against the types that were installed. */
async function checkTypes(examples: readonly string[], folder: string): Promise<RunResult> {
  const files = await Promise.all(
    examples.map(async (example, index) => {
      const file = join(folder, `example-${index + 1}.mts`);
      await writeFile(file, example);
      return file;
    }),
  );
  const options = {
    target: 'es2022',
    lib: 'es2023,dom',
    module: 'nodenext',
    types: 'node',
    typeRoots: join(workspaceRoot, 'node_modules', '@types'),
  };
  const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  return runNode(
    commandScript('typescript', 'tsc'),
    ['--noEmit', '--strict', '--skipLibCheck', ...flags, ...files],
    { folder },
  );
}

/** A package of ours and all of ours below it. */
function internalClosure(name: string, packages: readonly WorkspacePackage[]): string[] {
  const seen = new Set<string>();
  const visit = (current: string) => {
    const found = packages.find(({ manifest }) => manifest.name === current);
    if (found === undefined || seen.has(current)) return;
    seen.add(current);
    Object.keys(found.manifest.dependencies ?? {}).forEach(visit);
  };
  visit(name);
  return [...seen];
}

function print({ name, problems, seconds }: PackReport): void {
  console.log(`${problems.length === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds.toFixed(1)} s)`);
  for (const problem of problems) console.log(problem.replace(/^/gm, '    '));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const reports = await checkPacks(process.argv.slice(2));
  process.exitCode = reports.every(({ problems }) => problems.length === 0) ? 0 : 1;
}
