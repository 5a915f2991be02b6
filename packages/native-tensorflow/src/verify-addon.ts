import { join } from 'node:path';
import { addonFile, startupAddonFile } from './addon';
import { NativeTensorflowError } from './errors';
import { run } from './run-command';
import { runtimeLibraries, type NativeBuild } from './wheels';

/** Loads a build in a process of its own, which survives whatever happens, and asks for TensorFlow's version. */
export async function verifyAddon(folder: string, build: NativeBuild): Promise<void> {
  const script = `
    require(${JSON.stringify(join(folder, startupAddonFile))}).openLibrary(
      ${JSON.stringify(join(folder, runtimeLibraries[0]))}, true);
    console.log(require(${JSON.stringify(join(folder, addonFile))}).TF_Version);`;
  const result = await run(process.execPath, ['--eval', script], {
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3', NODE_OPTIONS: '' },
    timeout: 600_000,
  });
  if (result.code === 0 && result.output.trim() === build.version) return;
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
    (result.signal === null ? `it reports version ${result.output.trim()}` : result.signal);
  throw new NativeTensorflowError(
    'load',
    `The native library was built but does not load: ${reason}`,
    cause,
  );
}
