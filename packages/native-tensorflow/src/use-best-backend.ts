import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import {
  backendNames,
  type BackendChoice,
  type BackendName,
  type Precision,
} from './backend-choice';
import { buildFolder, readInstalled } from './cache';
import { checkCluster, type Cluster } from './distribution/cluster';
import { ClusterError } from './distribution/cluster-error';
import { joinWith, placeOf, proxyExceptions, requireMembership } from './distribution/join';
import { NativeTensorflowError } from './errors';
import type { KernelChoice } from './kernels/kernel-choice';
import { loadKernels } from './kernels/load-kernels';
import {
  isRegistered,
  loadGradients,
  nativeBackendName,
  registerNativeBackend,
  silenceCpuBackend,
  type TensorflowBinding,
} from './load';
import { requireHere } from './package-files';
import { nvidiaDriver, unsupportedPlatform } from './platform';
import { sharedState, type LoadedLibrary, type SharedState } from './shared-state';
import { nativeBuilds } from './wheels';

/** What a backend is, whatever a call asked for. */
type Backend = Omit<BackendChoice, 'notes'>;

const defaultPrecision: Precision = 'float32';

export interface BackendOptions {
  /** This one and no other. */
  readonly backend?: BackendName | undefined;
  /** Do not say on standard error which backend serves. */
  readonly quiet?: boolean | undefined;
  /**
   * Threads that one operation of the native library may use on the processor; all cores unless told. 1 is fastest where
   * compiled functions cut their work into parts that run side by side, see `parallelParts`. The library reads it when it is
   * loaded, once a process: what a later call asks for besides is in the choice's `notes`.
   */
  readonly threadsPerOperation?: number | undefined;
  /**
   * Of the operands of convolutions and matrix products on the processor; tensors, sums and everything else stay float32.
   * bfloat16 has 8 bits and is faster on large models where the processor has instructions for it (AMX, AVX512-BF16); on
   * others it changes nothing. The library reads it when it is loaded, once a process, in float32 unless told: a later call
   * that asks for the other one is an error, for its numbers would be others than it expects.
   */
  readonly precision?: Precision | undefined;
  /**
   * The workers that compute together, and which of them this process is: the call waits for all of them, and `allReduce` and the
   * other collective calls then work. From the environment `clusterFromTfConfig` and `clusterFromSlurm` read it. The library joins
   * when it is loaded, once a process, and only it can: with more than one worker no other backend serves.
   */
  readonly cluster?: Cluster | undefined;
  /** Ends the wait for the cluster's other workers when aborted; the error is that of `leaveCluster`. */
  readonly signal?: AbortSignal | undefined;
}

/** By its whole name, so that npx takes the installed package, and no other that has the command's name on npm. */
const installCommand = 'npx @loop-diffusion/native-tensorflow install';

/** How to get the native library, at the end of every line that says it is missing. */
const howToInstall = `install it with \`${installCommand}\` (from code \`installNativeTensorflow()\`)`;

/**
 * Makes the fastest backend that can be had the one that TensorFlow.js uses: TensorFlow with a GPU, TensorFlow on the CPU,
 * WebAssembly, plain JavaScript, in this order. Says in one line on standard error which and why. Downloads nothing, and
 * calling it again changes nothing.
 * @throws NativeTensorflowError when the backend asked for by name cannot be had, or when this process computes in another
 *   precision than the one asked for; ClusterError when the cluster asked for cannot be joined; never otherwise
 */
export function useBestBackend(options: BackendOptions = {}): Promise<BackendChoice> {
  const state = sharedState();
  const result = state.pending.then(() => choose(state, options));
  state.pending = result.catch(() => undefined);
  return result;
}

async function choose(state: SharedState, options: BackendOptions): Promise<BackendChoice> {
  const { backend } = options;
  if (backend !== undefined && !backendNames.includes(backend)) {
    throw new NativeTensorflowError(
      'backend',
      `There is no backend "${backend as string}"; the backends are ${backendNames.join(', ')}.`,
    );
  }
  const cluster = options.cluster === undefined ? undefined : checkCluster(options.cluster);
  if (cluster !== undefined) requireMembership(state, cluster);
  const key = backend ?? 'best';
  let choice = state.choices.get(key);
  if (choice === undefined) {
    const found =
      backend === undefined
        ? await bestBackend(state, options)
        : await namedBackend(state, backend, options);
    if (cluster !== undefined && state.membership === undefined) {
      throw new ClusterError(
        `A cluster of ${cluster.workers.length} workers needs TensorFlow's native library of this package. ${found.reason}`,
      );
    }
    choice = { ...found, notes: [] };
    state.choices.set(key, choice);
  } else {
    await activate(tfjsName(choice.name));
  }
  const notes = choice.name === 'tensorflow' ? notesOf(state.loaded, options) : [];
  const { set, reason } = choice.kernels;
  const kernels = set === null ? [] : [reason];
  for (const line of options.quiet === true ? [] : [choice.reason, ...kernels, ...notes]) {
    if (state.said.has(line)) continue;
    state.said.add(line);
    console.error(line);
  }
  return notes.length === 0 ? choice : { ...choice, notes };
}

function notesOf(loaded: LoadedLibrary | undefined, options: BackendOptions): string[] {
  const problem = loaded?.kernels.problem;
  return [...(problem === undefined ? [] : [problem]), ...compareWithLoaded(loaded, options)];
}

/**
 * @returns what is asked for and cannot be had any more
 * @throws NativeTensorflowError where the numbers would be others
 */
function compareWithLoaded(
  loaded: LoadedLibrary | undefined,
  { precision, threadsPerOperation }: BackendOptions,
): string[] {
  if (loaded === undefined) return [];
  if (precision !== undefined && precision !== loaded.precision) {
    throw new NativeTensorflowError(
      'backend',
      `The precision ${precision} was asked for, but this process has loaded TensorFlow for ${loaded.precision} already, and its library reads that once: ask for it in the first call of useBestBackend, or in a process of its own.`,
    );
  }
  if (threadsPerOperation === undefined || threadsPerOperation === loaded.threadsPerOperation) {
    return [];
  }
  const had = loaded.threadsPerOperation?.toString() ?? 'all';
  return [
    `threadsPerOperation: ${threadsPerOperation.toString()} has no effect: this process has loaded TensorFlow for ${had} threads an operation already, and its library reads that once; ask for it in the first call of useBestBackend.`,
  ];
}

function tfjsName(name: BackendName): string {
  return name === 'tensorflow-gpu' ? nativeBackendName : name;
}

async function bestBackend(state: SharedState, options: BackendOptions): Promise<Backend> {
  let native: Backend | null = null;
  let problem: string;
  try {
    native = await bestNative(state, options);
    problem = (await whyNotNative()) ?? '';
  } catch (error) {
    if (error instanceof ClusterError) throw error;
    problem = error instanceof Error ? error.message : String(error);
  }
  if (native !== null) return native;
  for (const name of ['wasm', 'cpu'] as const) {
    try {
      const choice = await namedBackend(state, name, options);
      return { ...choice, reason: `${choice.reason} ${problem}`.trim() };
    } catch (error) {
      problem = `${problem} ${error instanceof Error ? error.message : String(error)}`.trim();
    }
  }
  throw new NativeTensorflowError('backend', `No backend could be had. ${problem}`);
}

/** Why the native library is not used though nothing failed. */
async function whyNotNative(): Promise<string | null> {
  const unsupported = unsupportedPlatform();
  if (unsupported !== null) return unsupported;
  const folder = buildFolder(nativeBuilds.cpu);
  if ((await readInstalled(folder)) !== null) return null;
  return `TensorFlow's native library, many times faster, is not installed: ${howToInstall}.`;
}

/**
 * The backend of an application that has imported @tensorflow/tfjs-node itself. It is taken as it is: a second TensorFlow
 * in the same process would not get on with the first.
 */
async function applicationBackend(state: SharedState): Promise<Backend | null> {
  if (state.loaded !== undefined || !isRegistered(nativeBackendName)) return null;
  loadGradients();
  await activate(nativeBackendName);
  const { binding } = tf.backend() as tf.KernelBackend & { readonly binding?: TensorflowBinding };
  const version = `TensorFlow ${binding?.TF_Version ?? '(unknown version)'}`;
  const gpu = binding?.isUsingGpuDevice() ?? false;
  return {
    name: gpu ? 'tensorflow-gpu' : 'tensorflow',
    gpu,
    version,
    kernels: { set: null, reason: 'This application has registered a TensorFlow of its own.' },
    reason: `Backend: ${version}, as this application registered it.`,
  };
}

async function bestNative(state: SharedState, options: BackendOptions): Promise<Backend | null> {
  const registered = await applicationBackend(state);
  if (registered !== null) return registered;
  const driver = await nvidiaDriver();
  const kinds = driver === null ? (['cpu', 'gpu'] as const) : (['gpu', 'cpu'] as const);
  const backend = await firstThatLoads(state, kinds, 'any', options);
  if (backend === null || driver === null || (await isInstalled('gpu'))) return backend;
  const hint = ` There is an NVIDIA driver: \`${installCommand} --gpu\` installs the build for it.`;
  return { ...backend, reason: backend.reason + hint };
}

/**
 * The first of the builds that is installed and loads; why another one before it did not is in the reason.
 * @returns null when none is installed
 * @throws NativeTensorflowError when none of those installed loads
 */
export async function firstThatLoads(
  state: SharedState,
  kinds: readonly ('cpu' | 'gpu')[],
  device: 'any' | 'cpu',
  options: BackendOptions,
): Promise<Backend | null> {
  const problems: NativeTensorflowError[] = [];
  for (const kind of kinds) {
    if (!(await isInstalled(kind))) continue;
    try {
      const backend = await loadNative(state, kind, device, options);
      const reason = [backend.reason, ...problems.map(({ message }) => message)].join(' ');
      return { ...backend, reason };
    } catch (error) {
      if (!(error instanceof NativeTensorflowError) || error.kind !== 'load') throw error;
      const build = kind === 'gpu' ? 'The build for NVIDIA GPUs' : 'The build for the processor';
      const command = `${installCommand}${kind === 'gpu' ? ' --gpu' : ''}`;
      problems.push(
        new NativeTensorflowError(
          'load',
          `${build} is installed, but broken (\`${command}\` makes it anew): ${error.message}`,
          { cause: error },
        ),
      );
    }
  }
  const [first] = problems;
  if (first !== undefined) throw first;
  return null;
}

async function isInstalled(kind: 'cpu' | 'gpu'): Promise<boolean> {
  return (await readInstalled(buildFolder(nativeBuilds[kind]))) !== null;
}

async function namedBackend(
  state: SharedState,
  name: BackendName,
  options: BackendOptions,
): Promise<Backend> {
  if (name === 'tensorflow' || name === 'tensorflow-gpu') {
    const registered = await applicationBackend(state);
    if (registered?.name === name) return registered;
    if (registered !== null) {
      throw new NativeTensorflowError(
        'backend',
        `The backend "${name}" was asked for, but this application has registered a TensorFlow of its own ${registered.gpu ? 'with' : 'without'} a GPU.`,
      );
    }
  }
  if (name === 'tensorflow-gpu') {
    if (!(await isInstalled('gpu'))) {
      throw new NativeTensorflowError(
        'backend',
        'The backend "tensorflow-gpu" was asked for, but the build for NVIDIA GPUs is not installed: install it with `npx @loop-diffusion/native-tensorflow install --gpu`.',
      );
    }
    return loadNative(state, 'gpu', 'gpu', options);
  }
  if (name === 'tensorflow') {
    const backend = await firstThatLoads(state, ['cpu', 'gpu'], 'cpu', options);
    if (backend !== null) return backend;
    throw new NativeTensorflowError(
      'backend',
      `The backend "tensorflow" was asked for, but ${unsupportedPlatform() ?? `TensorFlow's native library is not installed: ${howToInstall}.`}`,
    );
  }
  return name === 'wasm' ? useWasm() : usePlainJavaScript();
}

/** @param device what the caller insists on; with `any` a GPU serves where there is one */
async function loadNative(
  state: SharedState,
  kind: 'cpu' | 'gpu',
  device: 'any' | 'cpu' | 'gpu',
  options: BackendOptions,
): Promise<Backend> {
  const loaded = state.loaded;
  const folder = loaded?.folder ?? buildFolder(nativeBuilds[kind]);
  if (loaded !== undefined && loaded.kind !== kind && device === 'gpu') {
    throw new NativeTensorflowError(
      'backend',
      'This process has loaded TensorFlow without GPU support already; ask for "tensorflow-gpu" before any other backend.',
    );
  }
  if (loaded === undefined && device === 'cpu' && kind === 'gpu')
    process.env['CUDA_VISIBLE_DEVICES'] = '-1';
  const cluster = loaded === undefined ? options.cluster : undefined;
  const place = cluster === undefined ? undefined : await placeOf(cluster);
  const environment = {
    ...environmentOf(options),
    ...(cluster !== undefined && place !== undefined && proxyExceptions(cluster)),
  };
  const binding = registerNativeBackend(folder, environment, place);
  const precision = options.precision ?? defaultPrecision;
  const { kernels } = (state.loaded = loaded ?? {
    kind,
    folder,
    precision,
    threadsPerOperation: options.threadsPerOperation,
    kernels: await loadKernels({ folder, kind, precision }),
  });
  const gpu = binding.isUsingGpuDevice();
  if (device === 'gpu' && !gpu) {
    throw new NativeTensorflowError(
      'backend',
      'The backend "tensorflow-gpu" was asked for, but TensorFlow finds no GPU it can use; check `nvidia-smi` and CUDA_VISIBLE_DEVICES.',
    );
  }
  if (device === 'cpu' && gpu) {
    throw new NativeTensorflowError(
      'backend',
      'The backend "tensorflow" was asked for, but this process has loaded TensorFlow with a GPU already; set CUDA_VISIBLE_DEVICES=-1 to leave the GPU alone.',
    );
  }
  await activate(nativeBackendName);
  if (cluster !== undefined && place !== undefined)
    await joinWith(state, binding, cluster, options.signal);
  const version = `TensorFlow ${binding.TF_Version}`;
  const count = availableParallelism();
  const threads = `${count.toString()} ${count === 1 ? 'thread' : 'threads'}`;
  return {
    name: gpu ? 'tensorflow-gpu' : 'tensorflow',
    gpu,
    version,
    kernels: kernels.choice,
    reason: gpu
      ? `Backend: ${version} on an NVIDIA GPU (native library).`
      : `Backend: ${version} on the CPU, ${threads} (native library).`,
  };
}

async function useWasm(): Promise<Backend> {
  try {
    loadGradients();
    const wasm = requireHere('@tensorflow/tfjs-backend-wasm') as {
      setWasmPaths(folder: string): void;
      version_wasm: string;
    };
    if ((tf.engine().registry as Record<string, unknown>)['wasm'] === undefined) {
      const entry = requireHere.resolve('@tensorflow/tfjs-backend-wasm');
      wasm.setWasmPaths(`${dirname(entry)}/`);
    }
    await activate('wasm');
    const version = `TensorFlow.js WebAssembly ${wasm.version_wasm}`;
    return {
      name: 'wasm',
      gpu: false,
      version,
      kernels: noKernels,
      reason: `Backend: ${version}, 1 thread.`,
    };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new NativeTensorflowError(
      'backend',
      `The WebAssembly backend does not start: ${message}`,
      {
        cause: error,
      },
    );
  }
}

async function usePlainJavaScript(): Promise<Backend> {
  loadGradients();
  const { version_cpu } = requireHere('@tensorflow/tfjs-backend-cpu') as { version_cpu: string };
  silenceCpuBackend();
  await activate('cpu');
  const version = `TensorFlow.js plain JavaScript ${version_cpu}`;
  return {
    name: 'cpu',
    gpu: false,
    version,
    kernels: noKernels,
    reason: `Backend: ${version}, 1 thread, slow.`,
  };
}

const noKernels: KernelChoice = {
  set: null,
  reason: "They are operations of TensorFlow's native library, which does not serve.",
};

/** What TensorFlow and oneDNN read once, when they are loaded. */
function environmentOf({ threadsPerOperation, precision }: BackendOptions): Record<string, string> {
  return {
    ...(threadsPerOperation !== undefined && {
      TF_NUM_INTRAOP_THREADS: threadsPerOperation.toString(),
    }),
    ...(precision === 'bfloat16' && { ONEDNN_DEFAULT_FPMATH_MODE: 'BF16' }),
  };
}

async function activate(name: string): Promise<void> {
  if (tf.getBackend() === name) return;
  if (!(await tf.setBackend(name))) {
    throw new NativeTensorflowError(
      'backend',
      `TensorFlow.js could not start its backend "${name}".`,
    );
  }
  await tf.ready();
}
