import {
  link,
  mkdir,
  mkdtemp,
  open,
  readdir,
  rename,
  rm,
  stat,
  statfs,
  writeFile,
} from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { compileAddon } from './addon';
import {
  buildFolder,
  cacheFolder,
  findChangedFile,
  manifestFile,
  readInstalled,
  type Manifest,
} from './cache';
import { findCompiler } from './compiler';
import { fetchWheel, findPython, megabytes, type Progress } from './download';
import { describeInstallError, errorCode, NativeTensorflowError } from './errors';
import { withInstallLock } from './install-lock';
import { kernelProblems, kernelRecordFile } from './kernels/kernel-record';
import { requirePlatform } from './platform';
import { sha256OfFile } from './sha256-of-file';
import { verifyAddon } from './verify-addon';
import { unzip } from './unzip';
import { isKeptNvidiaFile, isKeptTensorflowFile, nativeBuilds, type NativeBuild } from './wheels';

export interface InstallOptions {
  /** The build for NVIDIA GPUs instead of the one for the CPU. */
  readonly gpu?: boolean | undefined;
  /**
   * Read all files of a build that is there already, compare their sha256 and load it, and make it anew where something is
   * wrong: a few seconds. Otherwise their sizes tell.
   */
  readonly verify?: boolean | undefined;
  /** Told what is going on; `fraction` in [0, 1] where it is known. */
  readonly onProgress?: Progress | undefined;
}

export interface InstallResult {
  readonly folder: string;
  readonly alreadyThere: boolean;
  /** What is there does not do without, a sentence each: kernels that could not be compiled, or that failed their check. */
  readonly notes: readonly string[];
}

/** The steps with effects outside the cache folder, so that tests can break each of them. */
export interface InstallSteps {
  readonly prepare: () => Promise<void>;
  readonly fetchWheel: typeof fetchWheel;
  readonly compile: (folder: string, build: NativeBuild) => Promise<void>;
  readonly verify: (folder: string, build: NativeBuild) => Promise<void>;
}

const realSteps: InstallSteps = {
  // Before anything large is fetched.
  prepare: async () => {
    requirePlatform();
    await findCompiler();
    if ((process.env['LOOP_DIFFUSION_WHEELS'] ?? '') === '') await findPython();
  },
  fetchWheel,
  compile: compileAddon,
  verify: verifyAddon,
};

/**
 * Installs TensorFlow's native library into this user's cache, unless it is there. May be interrupted, run twice and run
 * by several processes at once: everything is made in a folder of its own, checked, and renamed into place.
 * @throws NativeTensorflowError with one sentence saying what is missing; nothing is left half-written then
 */
export async function installNativeTensorflow(
  options: InstallOptions = {},
): Promise<InstallResult> {
  const build = nativeBuilds[options.gpu === true ? 'gpu' : 'cpu'];
  return installBuild(build, buildFolder(build), realSteps, options);
}

/** The same for any build, folder and steps. */
export async function installBuild(
  build: NativeBuild,
  folder: string,
  steps: InstallSteps,
  options: Pick<InstallOptions, 'onProgress' | 'verify'> = {},
): Promise<InstallResult> {
  const { onProgress = () => undefined, verify = false } = options;
  try {
    if (await isWhole(build, folder, steps, { onProgress, verify })) {
      return await resultOf(folder, true);
    }
    await steps.prepare();
    await mkdir(dirname(folder), { recursive: true });
    return await withInstallLock(
      `${folder}.lock`,
      () => {
        onProgress('waiting for another installation to finish');
      },
      async () => {
        await removeLeftovers(folder);
        if (await isWhole(build, folder, steps, { onProgress, verify })) {
          return await resultOf(folder, true);
        }
        await makeBuild(build, folder, steps, onProgress);
        return await resultOf(folder, false);
      },
    );
  } catch (error) {
    throw describeInstallError(error, cacheFolder());
  }
}

async function resultOf(folder: string, alreadyThere: boolean): Promise<InstallResult> {
  return { folder, alreadyThere, notes: await kernelProblems(folder) };
}

async function isWhole(
  build: NativeBuild,
  folder: string,
  steps: InstallSteps,
  { onProgress, verify }: { readonly onProgress: Progress; readonly verify: boolean },
): Promise<boolean> {
  const manifest = await readInstalled(folder);
  if (manifest === null || !verify) return manifest !== null;
  onProgress('checking what is installed');
  const changed = await findChangedFile(folder, manifest);
  if (changed !== null) {
    onProgress(`${changed} is damaged, so that the library is installed anew`);
  } else {
    try {
      await steps.verify(folder, build);
      return true;
    } catch {
      onProgress('what is installed does not load, so that it is installed anew');
    }
  }
  // Out of the way, so that nobody loads it meanwhile.
  await rm(join(folder, manifestFile), { force: true });
  return false;
}

async function makeBuild(
  build: NativeBuild,
  folder: string,
  steps: InstallSteps,
  onProgress: Progress,
): Promise<void> {
  const owner = `${hostname().replaceAll(/[^\w]/g, '')}-${process.pid.toString()}`;
  const temporary = await mkdtemp(`${folder}.tmp-${owner}-`);
  try {
    if (!(await shareLibraries(build, folder, temporary))) {
      await requireSpace(build, temporary);
      await fetchLibraries(build, temporary, steps, onProgress);
    }
    onProgress('compiling the addons');
    await steps.compile(temporary, build);
    onProgress('checking');
    await steps.verify(temporary, build);
    await writeManifest(build, temporary);
    await moveIntoPlace(temporary, folder);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function fetchLibraries(
  build: NativeBuild,
  folder: string,
  steps: InstallSteps,
  onProgress: Progress,
): Promise<void> {
  for (const wheel of [build.tensorflow, ...build.libraries]) {
    const download = join(folder, 'download');
    const path = await steps.fetchWheel(wheel, download, onProgress);
    onProgress(`unpacking ${wheel.project}`);
    const isKept = wheel === build.tensorflow ? isKeptTensorflowFile : isKeptNvidiaFile;
    await unzip(path, folder, isKept);
    await rm(download, { recursive: true, force: true });
  }
}

/**
 * Another build of the same TensorFlow (of an earlier version of the addon, say) already has the libraries: they are
 * linked, which takes neither time nor space.
 */
async function shareLibraries(build: NativeBuild, folder: string, into: string): Promise<boolean> {
  for (const name of await readdir(dirname(folder))) {
    if (!name.startsWith(`${build.version}-${build.kind}-`) || !/-[0-9a-f]{12}$/.test(name))
      continue;
    const other = join(dirname(folder), name);
    const manifest = await readInstalled(other);
    if (manifest?.wheel !== build.tensorflow.sha256) continue;
    try {
      for (const [path, { sha256 }] of Object.entries(manifest.files)) {
        if (!path.includes('/')) continue;
        if ((await sha256OfFile(join(other, path))) !== sha256) throw new Error('It is damaged.');
        await mkdir(dirname(join(into, path)), { recursive: true });
        await link(join(other, path), join(into, path));
      }
      return true;
    } catch {
      await rm(into, { recursive: true, force: true });
      await mkdir(into);
    }
  }
  return false;
}

async function requireSpace(build: NativeBuild, folder: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const largest = Math.max(...[build.tensorflow, ...build.libraries].map((wheel) => wheel.size));
  const needed = build.installedSize + 2 * largest;
  if (bavail * bsize >= needed) return;
  throw new NativeTensorflowError(
    'disk',
    `The native library needs ${megabytes(needed)} while it is installed, and ${cacheFolder()} has ${megabytes(bavail * bsize)} free; free some space or set LOOP_DIFFUSION_CACHE to a folder on another disk.`,
  );
}

async function writeManifest(build: NativeBuild, folder: string): Promise<void> {
  const files: Record<string, { size: number; sha256: string }> = {};
  for (const path of (await readdir(folder, { recursive: true })).sort()) {
    const full = join(folder, path);
    const information = await stat(full);
    if (!information.isFile() || path === kernelRecordFile) continue;
    files[path] = { size: information.size, sha256: await sha256OfFile(full) };
    await flush(full);
  }
  const manifest: Manifest = {
    format: 1,
    version: build.version,
    kind: build.kind,
    wheel: build.tensorflow.sha256,
    files,
  };
  await writeFile(join(folder, manifestFile), `${JSON.stringify(manifest, null, 2)}\n`);
  await flush(join(folder, manifestFile));
}

/** On disk before the rename is, so that a power cut leaves either nothing or all of it. */
async function flush(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function moveIntoPlace(temporary: string, folder: string): Promise<void> {
  try {
    await rename(temporary, folder);
  } catch (error) {
    if ((await readInstalled(folder)) !== null) return; // Somebody else was faster; theirs is as good.
    // What lies there is damaged: out of the way with it.
    const broken = `${temporary}-broken`;
    await rename(folder, broken).catch(() => {
      throw error;
    });
    await rename(temporary, folder);
    await rm(broken, { recursive: true, force: true });
  }
}

/** Removes what interrupted installs have left: folders whose process is gone, or (from other machines) a day old. */
async function removeLeftovers(folder: string): Promise<void> {
  const parent = dirname(folder);
  const host = hostname().replaceAll(/[^\w]/g, '');
  for (const name of await readdir(parent)) {
    const owner = /^.*\.tmp-(\w*)-(\d+)-/.exec(name);
    if (owner === null || !name.startsWith(basename(folder).replace(/[0-9a-f]{12}$/, ''))) continue;
    const path = join(parent, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }));
    const abandoned =
      owner[1] === host ? !isRunning(Number(owner[2])) : Date.now() - mtimeMs > 86_400_000;
    if (abandoned) await rm(path, { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}
