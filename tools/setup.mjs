#!/usr/bin/env node
/**
 * Makes the workspace ready to use: dependencies, TensorFlow's native library, builds.
 *
 * Runs before anything is installed, so it is plain JavaScript without dependencies. Each step looks at what is really
 * there, so running it again is quick, and it may be interrupted anywhere and started anew.
 *
 *   node tools/setup.mjs              everything
 *   node tools/setup.mjs --no-build   leave the builds to the caller
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Whether node_modules holds what the lock file asks for. npm writes node_modules/.package-lock.json last of all, so an
 * interrupted installation has none.
 *
 * @param {string} folder the workspace's root
 * @returns {boolean}
 */
export function dependenciesMatchLock(folder) {
  const wanted = readPackages(join(folder, 'package-lock.json'));
  const installed = readPackages(join(folder, 'node_modules', '.package-lock.json'));
  if (wanted === null || installed === null) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (!path.includes('node_modules/')) return true; // the root and the workspaces themselves
    const found = installed[path];
    if (found === undefined) return entry.optional === true; // e.g. another platform's binary
    return (
      found.version === entry.version &&
      found.integrity === entry.integrity &&
      found.resolved === entry.resolved
    );
  });
}

/**
 * @param {string} file
 * @returns {Record<string, {version?: string, integrity?: string, resolved?: string, optional?: boolean}> | null}
 */
function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages ?? null;
  } catch {
    return null; // missing or cut off: to be installed
  }
}

/**
 * Runs a command in the foreground; an interrupted child ends this process in the same way.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @returns {number} exit status
 */
function run(command, args) {
  const { status, signal, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (error) throw error;
  if (signal) process.exit(128 + (constants.signals[signal] ?? 0));
  return status ?? 1;
}

/**
 * Builds the packages, a line for each as it is done; all that was said of it only where one fails.
 *
 * @returns {Promise<number>} exit status
 */
async function buildPackages() {
  const nxFolder = join(root, 'node_modules', 'nx');
  const { bin } = JSON.parse(readFileSync(join(nxFolder, 'package.json'), 'utf8'));
  const child = spawn(
    process.execPath,
    [
      join(nxFolder, bin.nx),
      ...['run-many', '-t', 'build', '--parallel=2', '--output-style=static'],
    ],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NX_DAEMON: 'false', NX_NO_CLOUD: 'true', NX_TUI: 'false' },
    },
  );
  /** @type {string[]} */
  const said = [];
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on('line', (line) => {
      said.push(line);
      const done = /> nx run (\S+):build/.exec(line);
      if (done) console.error(`setup: built ${done[1]}`);
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => {
      if (signal) process.exit(128 + (constants.signals[signal] ?? 0));
      if (status !== 0) console.error(said.join('\n'));
      resolve(status ?? 1);
    });
  });
}

/** npm itself, without a shell: the copy that runs this script, or the one beside node. */
function npm(...args) {
  const candidates = [
    process.env.npm_execpath,
    join(dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    join(dirname(process.execPath), 'node_modules', 'npm', 'bin', 'npm-cli.js'),
  ];
  const script = candidates.find(
    (path) => path && /npm-cli\.[cm]?js$/.test(path) && existsSync(path),
  );
  return script ? run(process.execPath, [script, ...args]) : run('npm', args);
}

/** @param {string} sentence */
function stop(sentence) {
  console.error(`setup: ${sentence}`);
  process.exit(1);
}

/**
 * Why a failed installation of the native library ends the set-up. On a person's machine it does not; in continuous
 * integration the tests that need the library would not have been run.
 *
 * @param {number} status of the installation
 * @param {Record<string, string | undefined>} environment
 * @returns {string | null}
 */
export function nativeLibraryProblem(status, environment) {
  if (status === 0 || !isContinuousIntegration(environment)) return null;
  return 'the native library could not be installed, see above, and CI is set: its tests would be left out.';
}

/** @param {Record<string, string | undefined>} environment */
function isContinuousIntegration({ CI }) {
  return CI !== undefined && !['', '0', 'false'].includes(CI);
}

/**
 * What is wrong with the running Node, by what package.json asks for.
 *
 * @param {string} version such as 20.2.0
 * @param {string} range such as >=20.3
 * @returns {string | null}
 */
export function nodeProblem(version, range) {
  const least = range.replace(/^\D*/, '');
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [leastMajor = 0, leastMinor = 0] = least.split('.').map(Number);
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return null;
  return `Node ${version} is too old, ${least} or later is needed.`;
}

/** @param {{ build: boolean }} options */
async function setup({ build }) {
  const started = Date.now();
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const tooOld = nodeProblem(process.versions.node, engines.node);
  if (tooOld !== null) stop(tooOld);

  if (!dependenciesMatchLock(root)) {
    console.error('setup: installing dependencies (npm ci)');
    // What says that the dependencies are whole goes first, wherever npm may be interrupted.
    rmSync(join(root, 'node_modules', '.package-lock.json'), { force: true });
    // No install scripts: none is needed, and tfjs-node-gpu's would fetch a TensorFlow from 2022.
    if (npm('ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline') !== 0) {
      stop('npm ci failed, see above. Is the npm registry reachable?');
    }
  }

  const installer = join('packages', 'native-tensorflow', 'src', 'install-cli.ts');
  const tsx = ['-C', '@loop/source', '--import', 'tsx'];
  const status = run(process.execPath, [...tsx, installer, 'install', '--quick']);
  const problem = nativeLibraryProblem(status, process.env);
  if (problem !== null) stop(problem);
  if (status !== 0) {
    console.error('setup: no native TensorFlow here; the slower WebAssembly backend serves.');
  }

  if (build && (await buildPackages()) !== 0) stop('the build failed, see above.');
  console.error(`setup: ready after ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  void setup({ build: !process.argv.includes('--no-build') });
}
