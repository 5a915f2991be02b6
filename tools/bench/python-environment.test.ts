import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { environmentFolder, pythonWithPackages } from './python-environment';

let folder: string;
let requirements: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'loop-diffusion-bench-python-'));
  requirements = join(folder, 'requirements.txt');
  writeFileSync(requirements, 'torch==2.13.0\n');
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A Python that makes environments of which `pip` ends with this status. */
function fakePython(pipStatus: number): string {
  const path = join(folder, 'python3');
  const made = `#!/bin/sh\\necho "no such version"; exit ${pipStatus}\\n`;
  writeFileSync(
    path,
    `#!/bin/sh\nmkdir -p "$3/bin" && printf '${made}' > "$3/bin/python" && chmod +x "$3/bin/python"\n`,
  );
  chmodSync(path, 0o755);
  return path;
}

function optionsWith(environment: Record<string, string>) {
  return { requirements, environment, onProgress: jest.fn() };
}

test('a Python that was named is taken as it is', async () => {
  const options = optionsWith({ LOOP_DIFFUSION_BENCH_PYTHON: '/mine/python' });
  expect(await pythonWithPackages(options)).toBe('/mine/python');
});

test('an environment is made once, in the cache, under the hash of its requirements', async () => {
  const environment = {
    LOOP_DIFFUSION_CACHE: join(folder, 'cache'),
    LOOP_DIFFUSION_PYTHON: fakePython(0),
  };
  const options = optionsWith(environment);
  const made = await pythonWithPackages(options);
  expect(made).toBe(join(environmentFolder(options), 'bin', 'python'));
  expect(existsSync(made)).toBe(true);
  expect(options.onProgress).toHaveBeenCalledTimes(1);
  expect(await pythonWithPackages(options)).toBe(made);
  expect(options.onProgress).toHaveBeenCalledTimes(1);

  const before = environmentFolder(options);
  writeFileSync(requirements, 'torch==2.14.0\n');
  expect(environmentFolder(options)).not.toBe(before);
});

test('an installation that fails leaves nothing and says why in one line', async () => {
  const options = optionsWith({
    XDG_CACHE_HOME: folder,
    LOOP_DIFFUSION_PYTHON: fakePython(1),
  });
  await expect(pythonWithPackages(options)).rejects.toThrow('pip install failed: no such version');
  const cache = dirname(environmentFolder(options));
  expect(cache).toBe(join(folder, 'loop-diffusion', 'bench-python'));
  expect(readdirSync(cache)).toEqual([]);
});
