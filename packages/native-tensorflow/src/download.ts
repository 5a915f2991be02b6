import { copyFile, mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode, NativeTensorflowError } from './errors';
import { run, type CommandResult } from './run-command';
import { sha256OfFile } from './sha256-of-file';
import type { Wheel } from './wheels';

export type Progress = (message: string, fraction?: number) => void;

/** Python with pip: `$LOOP_DIFFUSION_PYTHON`, `python3` or `python`. Any version will do, it only fetches. */
export async function findPython(): Promise<string> {
  let found: string | undefined;
  for (const candidate of [process.env['LOOP_DIFFUSION_PYTHON'], 'python3', 'python']) {
    if (candidate === undefined || candidate === '') continue;
    const result = await run(candidate, ['-m', 'pip', '--version']);
    if (result.code === 0) return candidate;
    if (result.problem === undefined) found ??= candidate;
  }
  throw new NativeTensorflowError(
    'python',
    found === undefined
      ? 'Python 3 was not found; it is needed once, to fetch the native library: install python3 with pip, for example with `apt-get install python3-pip`.'
      : `${found} has no pip, which is needed once, to fetch the native library: install it, for example with \`apt-get install python3-pip\` or \`${found} -m ensurepip --user\`.`,
  );
}

/**
 * Fetches one wheel into `folder` with pip, through whatever index this user has configured, and checks its size and
 * hash. A wheel lying in `$LOOP_DIFFUSION_WHEELS` is taken from there instead, for machines without a network.
 * @returns the wheel's path
 */
export async function fetchWheel(
  wheel: Wheel,
  folder: string,
  onProgress: Progress,
): Promise<string> {
  await mkdir(folder, { recursive: true });
  const target = join(folder, wheel.file);
  onProgress(fetchMessage(wheel), 0);
  if (!(await copyLocalWheel(wheel, target))) await downloadWheel(wheel, folder, onProgress);
  await verifyWheel(wheel, target);
  return target;
}

function fetchMessage(wheel: Wheel): string {
  return `fetching ${wheel.project} ${wheel.version} (${megabytes(wheel.size)})`;
}

async function copyLocalWheel(wheel: Wheel, target: string): Promise<boolean> {
  const local = process.env['LOOP_DIFFUSION_WHEELS'];
  if (local === undefined || local === '') return false;
  try {
    await copyFile(join(local, wheel.file), target);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

async function downloadWheel(wheel: Wheel, folder: string, onProgress: Progress): Promise<void> {
  const python = await findPython();
  // pip collects the file under TMPDIR first: this folder is on the right disk, and /tmp often is small.
  const scratch = join(folder, 'pip');
  await mkdir(scratch, { recursive: true });
  const timer = setInterval(() => {
    void folderSize(folder).then((size) => {
      const fraction = Math.min(size / wheel.size, 1);
      onProgress(fetchMessage(wheel), fraction);
    });
  }, 500);
  let result: CommandResult;
  try {
    result = await run(python, ['-m', 'pip', 'download', ...pipOptions(wheel, folder)], {
      env: { ...process.env, TMPDIR: scratch, PIP_REQUIRE_VIRTUALENV: '0', PIP_USER: '0' },
    });
  } finally {
    clearInterval(timer);
  }
  if (result.code !== 0) throw describePipError(wheel, result);
}

/** This one wheel into `folder`, whatever Python and platform pip itself runs on. */
function pipOptions(wheel: Wheel, folder: string): string[] {
  return [
    ...[`${wheel.project}==${wheel.version}`, '--no-deps', '--dest', folder],
    ...['--only-binary', ':all:', '--python-version', '3.11', '--implementation', 'cp'],
    ...['--abi', 'cp311', '--abi', 'none'],
    ...platformTags(wheel).flatMap((tag) => ['--platform', tag]),
    ...['--no-cache-dir', '--no-input', '--quiet', '--disable-pip-version-check'],
    ...['--retries', '3'],
  ];
}

/** The platform tags in a wheel's name: `a-1-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl` has two. */
export function platformTags(wheel: Pick<Wheel, 'file'>): string[] {
  const tags = /-([^-]+)\.whl$/.exec(wheel.file)?.[1];
  return tags === undefined ? [] : tags.split('.');
}

/** pip's many lines as one sentence. */
export function describePipError(wheel: Wheel, result: CommandResult): NativeTensorflowError {
  const { errors } = result;
  const what = `${wheel.project} ${wheel.version}`;
  const cause = { cause: new Error(errors.trim()) };
  if (result.signal !== null) {
    return new NativeTensorflowError('network', `Fetching ${what} was interrupted.`, cause);
  }
  if (/No space left|Errno 28|Disk quota/i.test(errors)) {
    return new NativeTensorflowError(
      'disk',
      `The disk is full: fetching ${what} needs ${megabytes(wheel.size)}; free some space or set LOOP_DIFFUSION_CACHE to a folder on another disk.`,
      cause,
    );
  }
  if (/DO NOT MATCH THE HASHES|incomplete|IncompleteRead/i.test(errors)) {
    return new NativeTensorflowError(
      'hash',
      `${what} arrived damaged; run the installation again.`,
      cause,
    );
  }
  if (
    /NewConnectionError|Max retries|ConnectTimeout|ReadTimeout|Connection (refused|reset|broken)|ConnectionError|name resolution|ProxyError|SSLError|ProtocolError|timed out/i.test(
      errors,
    )
  ) {
    return new NativeTensorflowError(
      'network',
      `${what} could not be fetched, because pip does not reach its package index: check the network, the proxy and pip's configuration (\`pip config list\`).`,
      cause,
    );
  }
  if (/No matching distribution|Could not find a version/i.test(errors)) {
    return new NativeTensorflowError(
      'network',
      `${what} could not be fetched: the package index that pip is configured for does not have it or cannot be reached (\`pip config list\` shows which it is).`,
      cause,
    );
  }
  const last = errors
    .trim()
    .split('\n')
    .at(-1)
    ?.replace(/^ERROR:\s*/, '');
  return new NativeTensorflowError(
    'network',
    `pip could not fetch ${what}: ${last === undefined || last === '' ? 'it gave no reason' : last}`,
    cause,
  );
}

/** Throws unless the file is the pinned one. */
export async function verifyWheel(wheel: Wheel, path: string): Promise<void> {
  let size: number;
  try {
    ({ size } = await stat(path));
  } catch (error) {
    throw new NativeTensorflowError(
      'hash',
      `pip fetched another file than ${wheel.file}; nothing was installed.`,
      { cause: error },
    );
  }
  if (size !== wheel.size) {
    throw new NativeTensorflowError(
      'hash',
      `${wheel.file} has ${size.toString()} bytes where ${wheel.size.toString()} were expected, so it is cut off or another file; nothing was installed, run the installation again.`,
    );
  }
  const actual = await sha256OfFile(path);
  if (actual !== wheel.sha256) {
    throw new NativeTensorflowError(
      'hash',
      `${wheel.file} has sha256 ${actual} where ${wheel.sha256} was expected; nothing was installed. Check which package index pip uses (\`pip config list\`).`,
    );
  }
}

export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6).toString()} MB`;
}

/** Bytes of the files below `folder`; files that vanish meanwhile count nothing. */
async function folderSize(folder: string): Promise<number> {
  const paths = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = await Promise.all(
    paths.map((path) =>
      stat(join(folder, path)).then(
        (file) => (file.isFile() ? file.size : 0),
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
