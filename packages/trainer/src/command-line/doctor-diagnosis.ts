/** What `doctor` finds on a machine. */
import { arch, availableParallelism, freemem, platform, release, totalmem } from 'node:os';

import {
  installNativeTensorflow,
  measureMatmulRate,
  nativeTensorflowStatus,
  useBestBackend,
  type BackendName,
  type KernelChoice,
  type NativeTensorflowStatus,
} from '@loop-diffusion/native-tensorflow';

import { packageVersion, TRAINER } from '../files/package-version';
import { commandName } from '../terminal/command-name';
import { checkPictures } from './doctor-pictures';

export interface Diagnosis {
  readonly versions: Readonly<Record<string, string>>;
  readonly machine: { platform: string; cores: number; memoryBytes: number; freeBytes: number };
  readonly native: NativeTensorflowStatus;
  readonly backends: readonly { name: BackendName; found: boolean; about: string }[];
  readonly backend: { name: BackendName; gpu: boolean; reason: string; version: string };
  /** What computes the models' layers on a processor. */
  readonly kernels: KernelChoice;
  /** Of a float32 matrix product of 1024 × 1024 numbers. */
  readonly matmulGigaflops: number;
  /** What draws and encodes pictures, each with what is wrong with it, or undefined where nothing is. */
  readonly pictures: Readonly<Record<string, string | undefined>>;
  readonly advice: readonly string[];
}

/** What the doctor asks; tests answer in its place. */
export interface DoctorTools {
  readonly install: typeof installNativeTensorflow;
  readonly status: typeof nativeTensorflowStatus;
  readonly useBackend: typeof useBestBackend;
  readonly measure: typeof measureMatmulRate;
  /** What cannot be drawn or encoded here, and why. */
  readonly pictures: () => Promise<Diagnosis['pictures']>;
  /** What a process may have, in bytes. */
  readonly memoryBytes: () => number;
}

export const DOCTOR_TOOLS: DoctorTools = {
  install: installNativeTensorflow,
  status: nativeTensorflowStatus,
  useBackend: useBestBackend,
  measure: measureMatmulRate,
  pictures: checkPictures,
  // A container may be given less than the machine has; without a limit Node says 0 or more than there is.
  memoryBytes: () => Math.min(totalmem(), process.constrainedMemory() || Infinity),
};

export async function diagnose(tools: DoctorTools): Promise<Diagnosis> {
  const native = await tools.status();
  const backend = await tools.useBackend({ quiet: true });
  const matmulGigaflops = await tools.measure(1024);
  return {
    versions: {
      'loop-diffusion': packageVersion(TRAINER) ?? 'unknown',
      node: process.versions.node,
      'TensorFlow.js': packageVersion('@tensorflow/tfjs-core') ?? 'not installed',
      engine: backend.version,
    },
    machine: {
      platform: `${platform()} ${release()} ${arch()}`,
      cores: availableParallelism(),
      memoryBytes: totalmem(),
      freeBytes: freemem(),
    },
    native,
    backends: foundBackends(native),
    backend: {
      name: backend.name,
      gpu: backend.gpu,
      reason: backend.reason,
      version: backend.version,
    },
    kernels: backend.kernels,
    matmulGigaflops,
    pictures: await tools.pictures(),
    advice: advise(native, backend.name),
  };
}

function foundBackends(native: NativeTensorflowStatus): Diagnosis['backends'] {
  const missing = native.unsupported ?? 'not installed';
  const gpuFound = native.gpu.installed && native.nvidiaDriver !== null;
  return [
    {
      name: 'tensorflow-gpu',
      found: gpuFound,
      about: gpuFound
        ? `TensorFlow ${native.gpu.version} in ${native.gpu.folder}`
        : native.nvidiaDriver === null
          ? 'no NVIDIA driver'
          : missing,
    },
    {
      name: 'tensorflow',
      found: native.cpu.installed || native.gpu.installed,
      about: native.cpu.installed
        ? `TensorFlow ${native.cpu.version} in ${native.cpu.folder}`
        : native.gpu.installed
          ? `the GPU build, TensorFlow ${native.gpu.version}`
          : missing,
    },
    { name: 'wasm', found: true, about: 'comes with the package' },
    { name: 'cpu', found: true, about: 'comes with the package' },
  ];
}

function advise(native: NativeTensorflowStatus, backend: BackendName): string[] {
  if (native.unsupported !== null) return [native.unsupported];
  const advice: string[] = [];
  if (native.nvidiaDriver !== null && !native.gpu.installed) {
    advice.push(
      `This machine has an NVIDIA driver (${native.nvidiaDriver}), but not the GPU build of TensorFlow: "${commandName()} doctor --install" fetches it (${gigabytes(native.gpu.downloadSize)}).`,
    );
  } else if (!native.cpu.installed && !native.gpu.installed) {
    advice.push(
      `TensorFlow's native library is not installed and is many times as fast: "${commandName()} doctor --install" fetches it (${gigabytes(native.cpu.downloadSize)}).`,
    );
  } else if (backend === 'wasm' || backend === 'cpu') {
    advice.push(
      `The native library is installed, but did not load; "${commandName()} doctor --install" puts a broken installation right.`,
    );
  }
  if (backend === 'tensorflow' && native.nvidiaDriver === null) {
    advice.push('This is the fastest backend without an NVIDIA GPU.');
  }
  return advice;
}

export function diagnosisLines(diagnosis: Diagnosis): string[] {
  const { machine, backend, native } = diagnosis;
  return [
    ...Object.entries(diagnosis.versions).map(([name, version]) => row(name, version)),
    row('machine', `${machine.platform}, ${String(machine.cores)} cores`),
    row('memory', `${gigabytes(machine.memoryBytes)}, ${gigabytes(machine.freeBytes)} free`),
    row(
      'GPU',
      native.nvidiaDriver === null ? 'no NVIDIA driver' : `NVIDIA driver ${native.nvidiaDriver}`,
    ),
    ...diagnosis.backends.map(({ name, found, about }) =>
      row(`  ${name}`, `${found ? 'yes' : 'no'} (${about})`),
    ),
    row('backend', `${backend.name} (${backend.reason.replace(/^Backend: |\.$/g, '')})`),
    row('kernels', kernelsText(diagnosis.kernels)),
    row('matmul 1024', `${diagnosis.matmulGigaflops.toFixed(0)} GFLOP/s`),
    ...Object.entries(diagnosis.pictures).map(([name, problem]) => row(name, problem ?? 'works')),
    ...diagnosis.advice,
  ];
}

function kernelsText({ set, reason }: KernelChoice): string {
  return `${set ?? "TensorFlow's alone"} (${reason.replace(/\.$/, '')})`;
}

function row(name: string, value: string): string {
  return `${name.padEnd(18)}${value}`;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
