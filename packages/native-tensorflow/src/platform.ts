import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { NativeTensorflowError } from './errors';

/** What the wheel is built for: manylinux_2_27. */
const oldestGlibc = [2, 27] as const;

export interface Platform {
  readonly os: string;
  readonly arch: string;
  /** e.g. `2.36`; null without glibc (Alpine's musl) */
  readonly glibc: string | null;
}

export function thisPlatform(): Platform {
  return { os: process.platform, arch: process.arch, glibc: glibcVersion() };
}

function glibcVersion(): string | null {
  if (process.platform !== 'linux') return null;
  const report = process.report as NodeJS.ProcessReport & { excludeNetwork?: boolean };
  const excludeNetwork = report.excludeNetwork;
  // Without this a report looks up the names of all open connections.
  report.excludeNetwork = true;
  const { header } = report.getReport() as { header: { glibcVersionRuntime?: string } };
  if (excludeNetwork !== undefined) report.excludeNetwork = excludeNetwork;
  return header.glibcVersionRuntime ?? null;
}

/** Why there is no native library for this platform, as a sentence; null where there is one. */
export function unsupportedPlatform(platform: Platform = thisPlatform()): string | null {
  const where = `TensorFlow's native library is installed on Linux with an x86-64 processor and glibc ${oldestGlibc.join('.')} or later`;
  if (platform.os !== 'linux' || platform.arch !== 'x64') {
    return `${where}; this is ${platform.os} on ${platform.arch}.`;
  }
  if (platform.glibc === null) return `${where}; this Linux has another C library (musl).`;
  const [major = 0, minor = 0] = platform.glibc.split('.').map(Number);
  if (major < oldestGlibc[0] || (major === oldestGlibc[0] && minor < oldestGlibc[1])) {
    return `${where}; this one has glibc ${platform.glibc}.`;
  }
  return null;
}

export function requirePlatform(platform: Platform = thisPlatform()): void {
  const problem = unsupportedPlatform(platform);
  if (problem !== null) throw new NativeTensorflowError('platform', problem);
}

/** The NVIDIA driver's version where there is one, e.g. `550.54.15`, or null. Asks nothing of the GPU itself. */
export async function nvidiaDriver(): Promise<string | null> {
  try {
    const text = await readFile('/proc/driver/nvidia/version', 'utf8');
    return /Module\s+([\d.]+)/.exec(text)?.[1] ?? 'unknown';
  } catch {
    // Containers may hide /proc/driver, but not the device.
    return existsSync('/dev/nvidiactl') || existsSync('/dev/dxg') ? 'unknown' : null;
  }
}
