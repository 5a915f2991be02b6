import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readInstalled } from './cache';
import type { NativeTensorflowError } from './errors';
import { fakeBuild, fakeSteps } from './fixtures/fake-build';
import { makeTensorflowWheel, pinWheel } from './fixtures/make-zip';
import { installBuild, type InstallSteps } from './install';
import { addToKernelRecord } from './kernels/kernel-record';
import type { NativeBuild } from './wheels';

let scratch: string;
let wheels: string;
let parent: string;
let folder: string;
let build: NativeBuild;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'native-tensorflow-'));
  wheels = join(scratch, 'wheels');
  parent = join(scratch, 'cache', 'native-tensorflow');
  folder = join(parent, '2.21.0-cpu-0123456789ab');
  mkdirSync(wheels);
  build = fakeBuild(makeTensorflowWheel(wheels));
});

afterEach(() => {
  rmSync(scratch, { recursive: true, force: true });
});

async function failure(promise: Promise<unknown>): Promise<NativeTensorflowError> {
  try {
    await promise;
  } catch (error) {
    return error as NativeTensorflowError;
  }
  throw new Error('The installation was expected to fail.');
}

describe('a whole installation', () => {
  it('keeps the two libraries, the headers and the addon, and nothing else', async () => {
    const result = await installBuild(build, folder, fakeSteps(wheels));
    expect(result).toEqual({ folder, alreadyThere: false, notes: [] });
    const manifest = await readInstalled(folder);
    expect(Object.keys(manifest?.files ?? {})).toEqual([
      'tensorflow/include/tensorflow/c/c_api.h',
      'tensorflow/libtensorflow_cc.so.2',
      'tensorflow/libtensorflow_framework.so.2',
      'tfjs_binding.node',
    ]);
    expect(readdirSync(parent)).toEqual(['2.21.0-cpu-0123456789ab']);
    expect(readFileSync(join(folder, 'tensorflow/libtensorflow_cc.so.2'), 'utf8')).toBe(
      'c'.repeat(5000),
    );
    // ptxas among NVIDIA's files must stay executable.
    expect(statSync(join(folder, 'tensorflow/libtensorflow_cc.so.2')).mode & 0o100).toBe(0o100);
  });

  it('is found the second time, without any step', async () => {
    await installBuild(build, folder, fakeSteps(wheels));
    const calls: string[] = [];
    const second = await installBuild(build, folder, fakeSteps(wheels, calls));
    expect(second.alreadyThere).toBe(true);
    expect(calls).toEqual([]);
  });

  it('is made anew when a file of it was cut off', async () => {
    await installBuild(build, folder, fakeSteps(wheels));
    truncateSync(join(folder, 'tensorflow/libtensorflow_cc.so.2'), 100);
    expect(await readInstalled(folder)).toBeNull();
    const again = await installBuild(build, folder, fakeSteps(wheels));
    expect(again.alreadyThere).toBe(false);
    expect(await readInstalled(folder)).not.toBeNull();
    expect(readdirSync(parent)).toEqual(['2.21.0-cpu-0123456789ab']);
  });

  it('is made anew when bytes of it changed, if it is to verify that', async () => {
    await installBuild(build, folder, fakeSteps(wheels));
    const library = join(folder, 'tensorflow/libtensorflow_cc.so.2');
    writeFileSync(library, 'C'.repeat(5000));
    expect(await installBuild(build, folder, fakeSteps(wheels))).toMatchObject({
      alreadyThere: true,
    });
    const said: string[] = [];
    const again = await installBuild(build, folder, fakeSteps(wheels), {
      verify: true,
      onProgress: (message) => said.push(message),
    });
    expect(again.alreadyThere).toBe(false);
    expect(said).toContain(
      'tensorflow/libtensorflow_cc.so.2 is damaged, so that the library is installed anew',
    );
    expect(readFileSync(library, 'utf8')).toBe('c'.repeat(5000));
    const whole = await installBuild(build, folder, fakeSteps(wheels), { verify: true });
    expect(whole.alreadyThere).toBe(true);
  });

  it('is made anew when it does not load, if it is to verify that', async () => {
    await installBuild(build, folder, fakeSteps(wheels));
    let loads = false;
    const steps: InstallSteps = {
      ...fakeSteps(wheels),
      compile: async (into, made) => {
        loads = true;
        await fakeSteps(wheels).compile(into, made);
      },
      verify: () => (loads ? Promise.resolve() : Promise.reject(new Error('no'))),
    };
    const again = await installBuild(build, folder, steps, { verify: true });
    expect(again.alreadyThere).toBe(false);
    expect(await readInstalled(folder)).not.toBeNull();
  });

  it('tells what is wrong with its kernels, which may change without making it another build', async () => {
    const steps: InstallSteps = {
      ...fakeSteps(wheels),
      verify: (into) => addToKernelRecord(into, { avx512: { problem: 'LoopLinear is wrong.' } }),
    };
    const { notes } = await installBuild(build, folder, steps);
    expect(notes).toEqual(['The kernels for AVX-512 are not used: LoopLinear is wrong.']);
    await addToKernelRecord(folder, { avx512: 'works', avx2: 'works' });
    const again = await installBuild(build, folder, fakeSteps(wheels), { verify: true });
    expect(again).toEqual({ folder, alreadyThere: true, notes: [] });
  });

  it('takes the libraries of another addon for the same TensorFlow', async () => {
    await installBuild(build, folder, fakeSteps(wheels));
    const calls: string[] = [];
    const next = join(parent, '2.21.0-cpu-ba9876543210');
    await installBuild(build, next, fakeSteps(wheels, calls));
    expect(calls).toEqual(['compile']);
    expect(await readInstalled(next)).not.toBeNull();
    expect(statSync(join(next, 'tensorflow/libtensorflow_cc.so.2')).nlink).toBe(2);
  });

  it('but not those whose bytes changed', async () => {
    await installBuild(build, folder, fakeSteps(wheels));
    writeFileSync(join(folder, 'tensorflow/libtensorflow_framework.so.2'), 'F'.repeat(3000));
    const calls: string[] = [];
    const next = join(parent, '2.21.0-cpu-ba9876543210');
    await installBuild(build, next, fakeSteps(wheels, calls));
    expect(calls).toEqual(['fetch', 'compile']);
    const library = join(next, 'tensorflow/libtensorflow_framework.so.2');
    expect(readFileSync(library, 'utf8')).toBe('f'.repeat(3000));
  });
});

describe('an installation that fails leaves nothing behind', () => {
  async function expectNothingLeft(): Promise<void> {
    expect(existsSync(parent) ? readdirSync(parent) : []).toEqual([]);
    await installBuild(build, folder, fakeSteps(wheels));
    expect(await readInstalled(folder)).not.toBeNull();
  }

  it('at a wheel with another hash', async () => {
    const wrong = { ...build, tensorflow: { ...build.tensorflow, sha256: '0'.repeat(64) } };
    const error = await failure(installBuild(wrong, folder, fakeSteps(wheels)));
    expect(error.kind).toBe('hash');
    expect(error.message).toContain(build.tensorflow.sha256);
    await expectNothingLeft();
  });

  it('at a wheel that is cut off', async () => {
    truncateSync(join(wheels, build.tensorflow.file), 200);
    const error = await failure(installBuild(build, folder, fakeSteps(wheels)));
    expect(error.kind).toBe('hash');
    expect(error.message).toMatch(/has 200 bytes where \d+ were expected/);
    makeTensorflowWheel(wheels);
    await expectNothingLeft();
  });

  it('at a file that is no archive', async () => {
    const tensorflow = pinWheel(wheels, 'other.whl', Buffer.from('<html>Sign in</html>'));
    const error = await failure(installBuild({ ...build, tensorflow }, folder, fakeSteps(wheels)));
    expect(error.kind).toBe('archive');
    await expectNothingLeft();
  });

  it('at a full disk', async () => {
    const full: InstallSteps = {
      ...fakeSteps(wheels),
      compile: () => Promise.reject(Object.assign(new Error('write'), { code: 'ENOSPC' })),
    };
    const error = await failure(installBuild(build, folder, full));
    expect(error.kind).toBe('disk');
    expect(error.message).toContain('LOOP_DIFFUSION_CACHE');
    await expectNothingLeft();
  });

  it('at a disk with too little room, before anything is fetched', async () => {
    const calls: string[] = [];
    const large = { ...build, installedSize: Number.MAX_SAFE_INTEGER / 2 };
    const error = await failure(installBuild(large, folder, fakeSteps(wheels, calls)));
    expect(error.kind).toBe('disk');
    expect(calls).toEqual([]);
    await expectNothingLeft();
  });

  it('at a library that does not load', async () => {
    const broken: InstallSteps = {
      ...fakeSteps(wheels),
      verify: () => Promise.reject(new Error('cannot open shared object file')),
    };
    const error = await failure(installBuild(build, folder, broken));
    expect(error.message).toContain('cannot open shared object file');
    await expectNothingLeft();
  });

  it('at a cache folder that cannot be written', async () => {
    writeFileSync(join(scratch, 'cache'), 'a file where the folder should be');
    const error = await failure(installBuild(build, folder, fakeSteps(wheels)));
    expect(error.kind).toBe('disk');
    rmSync(join(scratch, 'cache'));
    await expectNothingLeft();
  });
});

describe('several installations', () => {
  it('in one process download once', async () => {
    const calls: string[] = [];
    const results = await Promise.all(
      [1, 2, 3].map(() => installBuild(build, folder, fakeSteps(wheels, calls))),
    );
    expect(calls).toEqual(['fetch', 'compile']);
    expect(results.filter((result) => result.alreadyThere)).toHaveLength(2);
    expect(readdirSync(parent)).toEqual(['2.21.0-cpu-0123456789ab']);
  });

  const script = fileURLToPath(new URL('./fixtures/install-process.ts', import.meta.url));
  const start = (log: string, delay: number) => {
    const parameters = [
      '--conditions',
      '@loop/source',
      '--import',
      'tsx',
      script,
      wheels,
      JSON.stringify(build.tensorflow),
      folder,
      log,
    ];
    const child = spawn(process.execPath, [...parameters, String(delay)], { stdio: 'inherit' });
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    return { child, ended };
  };
  const linesOf = (log: string) =>
    existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];

  it('in two processes download once', async () => {
    const log = join(scratch, 'log');
    const both = [start(log, 300), start(log, 300)];
    expect(await Promise.all(both.map(({ ended }) => ended))).toEqual([0, 0]);
    expect(linesOf(log).sort()).toEqual(['already there', 'compile', 'fetch', 'installed']);
    expect(await readInstalled(folder)).not.toBeNull();
  });

  it('go on where one was killed, and clear up after it', async () => {
    const log = join(scratch, 'log');
    const { child, ended } = start(log, 60_000);
    while (!linesOf(log).includes('compile'))
      await new Promise((resolve) => setTimeout(resolve, 50));
    child.kill('SIGKILL');
    await ended;
    expect(await readInstalled(folder)).toBeNull();
    expect(readdirSync(parent)).toHaveLength(2); // its folder and its lock
    const lock = `${folder}.lock`;
    expect(existsSync(lock)).toBe(true);
    // As if the time had passed in which a living process renews it.
    const aMinuteAgo = new Date(Date.now() - 60_000);
    utimesSync(lock, aMinuteAgo, aMinuteAgo);
    const result = await installBuild(build, folder, fakeSteps(wheels));
    expect(result.alreadyThere).toBe(false);
    expect(readdirSync(parent)).toEqual(['2.21.0-cpu-0123456789ab']);
  });
});
