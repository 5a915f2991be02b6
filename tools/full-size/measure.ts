/**
 * What a model of a published size costs: one image, or one iteration of LOOP, as seconds by phase and peak memory in JSON.
 * `measure.py` does the same in PyTorch.
 *
 *   node -C @loop/source --import tsx full-size/measure.ts --model FOLDER --work sample|iteration [--size 512] [--checkpoint]
 *     [--precision bfloat16] [--frozen bfloat16] [--tiles]
 */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { planDenoiseSteps } from '@loop-diffusion/diffusion-mdp';

import {
  createCompute,
  createPhaseClock,
  createTextSource,
  decodeImages,
  evaluationNoise,
  latentShape,
  openModel,
  openRun,
  resolveConfig,
  runIteration,
  sampleTrajectories,
  startBackend,
} from './trainer-internals';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    work: { type: 'string', default: 'sample' },
    size: { type: 'string', default: '512' },
    steps: { type: 'string', default: '4' },
    checkpoint: { type: 'boolean', default: false },
    precision: { type: 'string', default: 'float32' },
    frozen: { type: 'string', default: 'float32' },
    tiles: { type: 'boolean', default: false },
  },
});
const { model: folder = '' } = values;
const side = Number(values.size);
const steps = Number(values.steps);
const GUIDANCE = 7.5;
const PROMPT = 'a photo of a red circle';

/** Since the process began, so that its own start counts. */
let last = 0;
const seconds: Record<string, number> = {};
const lap = (phase: string): void => {
  const now = performance.now() / 1000;
  seconds[phase] = now - last;
  last = now;
};

async function sample(): Promise<void> {
  await startBackend('auto', 1);
  const { model, schedule } = await openModel({ model: folder });
  const compute = createCompute();
  lap('start and load');
  const shape = latentShape(model, { height: side, width: side });
  const texts = createTextSource(model, shape);
  const [prompts, empty] = [texts.encode([PROMPT]), texts.empty()];
  model.releaseTextEncoders();
  lap('text');
  let step = 0;
  const store = await sampleTrajectories(
    { unet: model.unet, schedule, guidance: GUIDANCE, compute },
    {
      ...{ prompts, empty, promptOfImage: [0], latentShape: shape, batch: 1 },
      plan: planDenoiseSteps(schedule, { steps, eta: 1 }),
      noise: evaluationNoise(0, shape),
      onProgress: () => {
        step += 1;
        lap(step === 1 ? 'first step' : 'each further step');
      },
    },
  );
  const latents = store.finalLatents([0]);
  const [image] = decodeImages({ model, compute }, latents, 1);
  lap('decode');
  if (image?.data.some((value) => !Number.isFinite(value)) !== false) {
    throw new Error('The image is not finite.');
  }
}

async function iteration(): Promise<void> {
  const prompts = join(tmpdir(), `prompts-${process.pid}.txt`);
  writeFileSync(prompts, `${PROMPT}\n`);
  const run = await openRun(
    resolveConfig({
      ...{ model: folder, prompts, iterations: 1, gradientCheckpointing: values.checkpoint },
      ...{
        precision: values.precision,
        memory: { frozenWeights: values.frozen, vaeTiles: values.tiles },
      },
      batch: { prompts: 1, rollout: 2, update: 1 },
      sampler: { steps, guidance: GUIDANCE, height: side, width: side },
      algorithm: { k: 2, innerUpdates: 2 },
      rewards: [{ name: 'jpeg-incompressibility' }],
      lora: { rank: 4, alpha: 4 },
      optimizer: { learningRate: 3e-4 },
      evaluate: { images: 0 },
      samples: { count: 0 },
    }),
  );
  lap('start and load');
  const clock = createPhaseClock(() => undefined);
  const { record } = await runIteration(run, clock, 0, new AbortController().signal);
  Object.assign(seconds, record.seconds);
}

await (values.work === 'iteration' ? iteration() : sample());
const peakGigabytes = (process.resourceUsage().maxRSS * 1024) / 1e9;
console.log(JSON.stringify({ ...values, seconds, peakGigabytes }));
process.exit(0);
