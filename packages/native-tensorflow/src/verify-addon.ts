import { join } from 'node:path';
import { addonFile, functionsAddonFile, startupAddonFile } from './addon-files';
import { ATTRIBUTE, DTYPE } from './compile/operation';
import { NativeTensorflowError } from './errors';
import { checkKernels } from './kernels/check-kernels';
import { run } from './run-command';
import { runtimeLibraries, type NativeBuild } from './wheels';

/**
 * Loads a build's three addons in a process of its own, which survives whatever happens, asks for TensorFlow's version and
 * registers a function; then checks its kernels, of which none need work.
 */
export async function verifyAddon(folder: string, build: NativeBuild): Promise<void> {
  const path = (file: string) => JSON.stringify(join(folder, file));
  const placeholder = [{ name: 'dtype', type: ATTRIBUTE.type, value: DTYPE.float32 }];
  const identity = [{ name: 'T', type: ATTRIBUTE.type, value: DTYPE.float32 }];
  const script = `
    const startup = require(${path(startupAddonFile)});
    startup.openLibrary(${path(runtimeLibraries[0])}, true);
    const { TF_Version } = require(${path(addonFile)});
    const functions = require(${path(functionsAddonFile)});
    const graph = functions.newGraph();
    functions.addOperation(graph, 'Placeholder', ${JSON.stringify(placeholder)}, [], []);
    functions.addOperation(graph, 'Identity', ${JSON.stringify(identity)}, [[0, 0]], []);
    functions.defineFunction(${path(addonFile)}, graph, 'check', [[0, 0]], [[1, 0]], []);
    console.log(JSON.stringify([TF_Version, startup.instructionSets()]));`;
  const result = await run(process.execPath, ['--eval', script], {
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3', NODE_OPTIONS: '' },
    timeout: 600_000,
  });
  const [version, sets] =
    result.code === 0 ? (JSON.parse(result.output) as [string, string[]]) : ['', []];
  if (version === build.version) return checkKernels(folder, sets);
  const cause = { cause: new Error(result.errors) };
  if (result.signal === 'SIGILL') {
    throw new NativeTensorflowError(
      'platform',
      'The native library needs a processor with AVX, which this one lacks.',
      cause,
    );
  }
  const reason =
    result.errors.split('\n').find((line) => line.includes('Error')) ??
    (result.signal === null ? `it reports version ${version}` : result.signal);
  throw new NativeTensorflowError(
    'load',
    `The native library was built but does not load: ${reason}`,
    cause,
  );
}
