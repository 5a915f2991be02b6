import util from 'node:util';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { addonFile, startupAddonFile } from './addon-files';
import { supportBfloat16 } from './bfloat16-storage';
import type { NativeBackend } from './compile/native-backend';
import type { AsynchronousBinding } from './distribution/membership';
import { NativeTensorflowError } from './errors';
import { requireGradients, requireHere, tfjsNodeFile } from './package-files';
import { runtimeLibraries } from './wheels';

/** The part of tfjs-node's addon that is used here; the rest goes through its own JavaScript. */
export interface TensorflowBinding extends AsynchronousBinding {
  readonly TF_Version: string;
  isUsingGpuDevice(): boolean;
  getNumOfTensors(): number;
  /** Why the process is not the worker that it was to be. */
  joinProblem(): string | undefined;
}

/** The worker of a cluster that the process is to be. */
export interface WorkerPlace {
  /** A serialized `tensorflow.ServerDef`. */
  readonly definition: Uint8Array;
  /** Where it listens, numeric. */
  readonly address: string;
  readonly port: number;
}

interface StartupAddon {
  setEnvironment(name: string, value: string): void;
  openLibrary(path: string, quiet: boolean): void;
  setCluster(addon: string, definition: Uint8Array, address: string, port: number): void;
}

interface BackendModule {
  readonly NodeJSKernelBackend: new (
    binding: TensorflowBinding,
    packageName: string,
  ) => tf.KernelBackend;
}

export const nativeBackendName = 'tensorflow';

/**
 * Loads an installed build and registers it as the backend `tensorflow`, once per process.
 *
 * Not through @tensorflow/tfjs-node-gpu's entry point, which insists on a binary inside node_modules: its addon comes from
 * the cache, its kernels and its backend class are required one by one.
 *
 * @param environment variables that the library reads when it is loaded; those that are set already stay as they are
 * @param place what the process is in a cluster, which is decided when it is loaded, too
 */
export function registerNativeBackend(
  folder: string,
  environment: Readonly<Record<string, string>> = {},
  place?: WorkerPlace,
): TensorflowBinding {
  const binding = openAddon(folder, environment, place);
  if (isRegistered(nativeBackendName)) return binding;
  restoreRemovedUtilities();
  loadGradients();
  requireHere(tfjsNodeFile('dist/register_all_kernels.js'));
  const { NodeJSKernelBackend } = requireHere(
    tfjsNodeFile('dist/nodejs_kernel_backend.js'),
  ) as BackendModule;
  tf.registerBackend(
    nativeBackendName,
    () => {
      const backend = new NodeJSKernelBackend(binding, '@tensorflow/tfjs-node-gpu');
      supportBfloat16(backend as NativeBackend, nativeBackendName);
      return backend;
    },
    3,
  );
  return binding;
}

export function isRegistered(backend: string): boolean {
  return (tf.findBackendFactory(backend) as unknown) != null;
}

function openAddon(
  folder: string,
  environment: Readonly<Record<string, string>>,
  place: WorkerPlace | undefined,
): TensorflowBinding {
  try {
    const startup = requireHere(join(folder, startupAddonFile)) as StartupAddon;
    const asked = process.env['TF_CPP_MIN_LOG_LEVEL'];
    process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '3';
    startup.setEnvironment('TF_CPP_MIN_LOG_LEVEL', process.env['TF_CPP_MIN_LOG_LEVEL']);
    for (const [name, value] of Object.entries(environment)) startup.setEnvironment(name, value);
    startup.openLibrary(join(folder, runtimeLibraries[0]), asked === undefined || asked === '3');
    const addon = join(folder, addonFile);
    if (place !== undefined) {
      startup.setCluster(addon, place.definition, place.address, place.port);
    }
    return requireHere(addon) as TensorflowBinding;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new NativeTensorflowError(
      'load',
      `TensorFlow's native library does not load: ${message}`,
      {
        cause: error,
      },
    );
  }
}

/** tfjs-node calls functions of `node:util` that Node 22 warns about and Node 23 has removed. */
export function restoreRemovedUtilities(): void {
  const utilities = util as unknown as Record<string, unknown>;
  utilities['isNullOrUndefined'] = (value: unknown) => value === null || value === undefined;
  utilities['isArray'] = (value: unknown) => Array.isArray(value);
}

/** tfjs-core alone, as Node loads it, knows no gradients; these are those of all kernels, whatever the backend. */
export function loadGradients(): void {
  if ((tf.getGradient('Conv2D') as unknown) !== undefined) return;
  requireGradients();
  silenceCpuBackend();
}

/**
 * The plain JavaScript backend greets with advice to install tfjs-node at its first use; this package's choice has been
 * made and said by then.
 */
export function silenceCpuBackend(): void {
  if (!isRegistered('cpu')) return;
  const factory = tf.findBackendFactory('cpu') as () => tf.KernelBackend;
  const registered = (tf.engine().registry as Record<string, unknown>)['cpu'];
  if (registered !== undefined) {
    (registered as { firstUse?: boolean }).firstUse = false;
    return;
  }
  tf.removeBackend('cpu');
  tf.registerBackend('cpu', () => Object.assign(factory(), { firstUse: false }), 1);
}
