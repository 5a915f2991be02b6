import { buildFolder, cacheFolder, readInstalled } from './cache';
import { nvidiaDriver, unsupportedPlatform } from './platform';
import { nativeBuilds, type NativeBuild } from './wheels';

export interface BuildStatus {
  /** TensorFlow's version. */
  readonly version: string;
  /** Where it lies, or would. */
  readonly folder: string;
  readonly installed: boolean;
  /** Bytes on disk; 0 when not installed. */
  readonly size: number;
  /** Bytes to fetch for an installation. */
  readonly downloadSize: number;
}

export interface NativeTensorflowStatus {
  /** Why this platform has no native library, as a sentence; null where it has. */
  readonly unsupported: string | null;
  readonly cacheFolder: string;
  readonly cpu: BuildStatus;
  readonly gpu: BuildStatus;
  /** Version of the NVIDIA driver, `unknown` where it does not say, null without one. */
  readonly nvidiaDriver: string | null;
}

/** What is installed and what could be; loads nothing. */
export async function nativeTensorflowStatus(): Promise<NativeTensorflowStatus> {
  return {
    unsupported: unsupportedPlatform(),
    cacheFolder: cacheFolder(),
    cpu: await buildStatus(nativeBuilds.cpu),
    gpu: await buildStatus(nativeBuilds.gpu),
    nvidiaDriver: await nvidiaDriver(),
  };
}

async function buildStatus(build: NativeBuild): Promise<BuildStatus> {
  const folder = buildFolder(build);
  const manifest = await readInstalled(folder);
  const files = Object.values(manifest?.files ?? {});
  const wheels = [build.tensorflow, ...build.libraries];
  return {
    version: build.version,
    folder,
    installed: manifest !== null,
    size: files.reduce((sum, file) => sum + file.size, 0),
    downloadSize: wheels.reduce((sum, wheel) => sum + wheel.size, 0),
  };
}
