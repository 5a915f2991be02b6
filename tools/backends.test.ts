import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { readEvents } from '@loop-diffusion/trainer';

const ROOT = join(__dirname, '..');
const MODEL = 'packages/diffusion-models/fixtures/pipeline';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'backends-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** One iteration of the tiny pipeline in a process of its own, for a process has one backend. */
async function iterationOn(backend: string, kernels?: 'off'): Promise<Record<string, unknown>> {
  const output = join(folder, `${backend}-${kernels}`);
  const settings = [
    ...[`model=${MODEL}`, `backend=${backend}`, `output=${output}`, 'iterations=1'],
    ...['batch.prompts=1', 'algorithm.k=2', 'algorithm.innerUpdates=1', 'sampler.steps=3'],
    ...['rewards=[{name: jpeg-compressibility}]', 'evaluate.images=0', 'samples.count=0'],
  ];
  await promisify(execFile)(
    process.execPath,
    [
      ...['-C', '@loop/source', '--import', 'tsx', 'tools/endurance/cli.ts', 'train'],
      ...settings.flatMap((setting) => ['--set', setting]),
    ],
    {
      cwd: ROOT,
      env: {
        ...process.env,
        TF_CPP_MIN_LOG_LEVEL: '3',
        ...(kernels && { LOOP_DIFFUSION_KERNELS: kernels }),
      },
    },
  );
  const events = readEvents(join(output, 'events.jsonl'));
  return events.find(({ event }) => event === 'iteration')!;
}

test('a run is the same wherever TensorFlow.js computes', async () => {
  const native = await iterationOn('tensorflow');
  const others = [['tensorflow', 'off'], ['wasm'], ['cpu']] as const;
  for (const [backend, kernels] of others) {
    const other = await iterationOn(backend, kernels);
    expect(other['rewards']).toEqual(native['rewards']);
    const ratio = (other['gradientNorm'] as number) / (native['gradientNorm'] as number);
    // Sums in another order, in float32; measured 4e-7.
    expect(Math.abs(ratio - 1)).toBeLessThan(1e-5);
  }
});
