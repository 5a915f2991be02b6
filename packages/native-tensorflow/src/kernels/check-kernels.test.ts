import { copyFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addonFile, startupAddonFile } from '../addon-files';
import { buildFolder } from '../cache';
import { canServe } from '../fixtures/installed-kernels';
import { nativeBuilds } from '../wheels';
import { checkKernels } from './check-kernels';
import { kernelsFile } from './instruction-sets';
import { readKernelRecord } from './kernel-record';
import { processorSets } from './load-kernels';

const describeKernels = canServe() || Boolean(process.env['CI']) ? describe : describe.skip;

describeKernels('checking kernels', () => {
  const whole = buildFolder(nativeBuilds.cpu);
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'native-tensorflow-'));
    symlinkSync(join(whole, 'tensorflow'), join(folder, 'tensorflow'));
    for (const file of [startupAddonFile, addonFile]) {
      copyFileSync(join(whole, file), join(folder, file));
    }
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('what works is written down as that, what is broken with the reason, and the rest not at all', async () => {
    const [best, ...lower] = processorSets(whole);
    if (best === undefined) throw new Error('This processor has no set.');
    for (const set of lower) {
      copyFileSync(join(whole, kernelsFile(set)), join(folder, kernelsFile(set)));
    }
    writeFileSync(join(folder, kernelsFile(best)), 'broken');
    await checkKernels(folder, ['amx', best.name, ...lower.map(({ name }) => name)]);
    expect(await readKernelRecord(folder)).toEqual({
      [best.name]: { problem: expect.stringMatching(/^their check failed: .*Error/) as string },
      ...Object.fromEntries(lower.map(({ name }) => [name, 'works'])),
    });
  });
});
