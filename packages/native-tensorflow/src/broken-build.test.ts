import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addonFile, functionsAddonFile, startupAddonFile } from './addon-files';
import { buildFolder, manifestFile } from './cache';
import { runScript } from './fixtures/run-script';
import { installNativeTensorflow } from './install';
import { verifyAddon } from './verify-addon';
import { nativeBuilds } from './wheels';

/** The real build for the processor, and beside it builds that do not load. */
let whole: string;
let cache: string;

beforeAll(async () => {
  whole = (await installNativeTensorflow()).folder;
});

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'native-tensorflow-'));
  mkdirSync(join(cache, 'native-tensorflow'));
});

afterEach(() => {
  rmSync(cache, { recursive: true });
});

function placeWhole(kind: 'cpu' | 'gpu'): void {
  symlinkSync(whole, buildFolder(nativeBuilds[kind], cache));
}

/** Of the right sizes, so that nothing but loading it tells. */
function placeBroken(kind: 'cpu' | 'gpu'): void {
  const folder = buildFolder(nativeBuilds[kind], cache);
  mkdirSync(folder);
  const files = { [startupAddonFile]: { size: 6, sha256: '0'.repeat(64) } };
  writeFileSync(join(folder, startupAddonFile), 'broken');
  writeFileSync(join(folder, manifestFile), JSON.stringify({ format: 1, files }));
}

function choose(options: object): { name: string; reason: string } {
  return runScript(`
    process.env.LOOP_DIFFUSION_CACHE = ${JSON.stringify(cache)};
    report(await native.useBestBackend({ ...${JSON.stringify(options)}, quiet: true }));`);
}

it.each([
  ['the processor', 'cpu', 'gpu', 'npx @loop-diffusion/native-tensorflow install'],
  ['NVIDIA GPUs', 'gpu', 'cpu', 'npx @loop-diffusion/native-tensorflow install --gpu'],
] as const)('a broken build for %s leaves the work to the other one', (what, broken, good, how) => {
  placeBroken(broken);
  placeWhole(good);
  const { name, reason } = runScript<{ name: string; reason: string }>(`
    import { firstThatLoads } from './src/use-best-backend.ts';
    import { sharedState } from './src/shared-state.ts';
    process.env.LOOP_DIFFUSION_CACHE = ${JSON.stringify(cache)};
    report(await firstThatLoads(sharedState(), ['${broken}', '${good}'], 'any', {}));`);
  expect(name).toBe('tensorflow');
  expect(reason).toContain('on the CPU');
  expect(reason).toContain(
    `The build for ${what} is installed, but broken (\`${how}\` makes it anew): TensorFlow's native library does not load: `,
  );
});

it('a broken build for the processor leaves the work to the one for GPUs, which does without', () => {
  placeBroken('cpu');
  placeWhole('gpu');
  expect(choose({ backend: 'tensorflow' })).toMatchObject({ name: 'tensorflow' });
  expect(choose({}).reason).toContain('The build for the processor is installed, but broken');
});

it('where all are broken WebAssembly serves, and the reason says so', () => {
  placeBroken('cpu');
  const { name, reason } = choose({});
  expect(name).toBe('wasm');
  expect(reason).toContain('The build for the processor is installed, but broken');
});

it('the installation itself loads', async () => {
  await expect(verifyAddon(whole, nativeBuilds.cpu)).resolves.toBeUndefined();
});

it.each([startupAddonFile, addonFile, functionsAddonFile])(
  'an installation whose %s does not load is not taken for whole',
  async (file) => {
    const folder = join(cache, 'build');
    mkdirSync(folder);
    symlinkSync(join(whole, 'tensorflow'), join(folder, 'tensorflow'));
    for (const addon of [startupAddonFile, addonFile, functionsAddonFile]) {
      cpSync(join(whole, addon), join(folder, addon));
    }
    writeFileSync(join(folder, file), 'broken');
    await expect(verifyAddon(folder, nativeBuilds.cpu)).rejects.toMatchObject({ kind: 'load' });
  },
);
