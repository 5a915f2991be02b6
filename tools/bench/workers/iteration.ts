/** One iteration of LOOP, by the trainer's own code. */
import type { Precision } from '@loop-diffusion/native-tensorflow';
import { resolveConfig } from '@loop-diffusion/trainer';

import { randomizeUpWeights } from './adapter';
import { versionsWith, type WorkerBackend } from './backend';
import { serve } from './protocol';
import { createPhaseClock, openRun, runIteration } from './trainer-internals';

export interface IterationSettings {
  readonly device: WorkerBackend;
  readonly precision: Precision;
  /** A diffusers folder; left out: the shipped miniature. */
  readonly model?: string | undefined;
  /** A file with a prompt a line. */
  readonly promptFile: string;
  readonly prompts: number;
  readonly k: number;
  readonly steps: number;
  readonly guidance: number;
  readonly updates: number;
  readonly loraRank: number;
  readonly learningRate: number;
  /** Images per call while sampling, and pairs of image and step per gradient call. */
  readonly batch: number;
  /** Pairs of image and step per gradient call, where they are not as many. */
  readonly updateBatch?: number | undefined;
  /** Side of the latents, where it is not the model's. */
  readonly latentSize?: number | undefined;
}

/** Along each side, of the miniature. */
const PIXELS_PER_LATENT = 8;

await serve(async (told) => {
  const settings = JSON.parse(told) as IterationSettings;
  const side = settings.latentSize === undefined ? null : PIXELS_PER_LATENT * settings.latentSize;
  const config = resolveConfig({
    ...{ backend: settings.device, precision: settings.precision, model: settings.model },
    prompts: settings.promptFile,
    batch: {
      prompts: settings.prompts,
      rollout: settings.batch,
      update: settings.updateBatch ?? settings.batch,
    },
    sampler: { steps: settings.steps, guidance: settings.guidance, height: side, width: side },
    algorithm: {
      k: settings.k,
      innerUpdates: settings.updates,
      timesteps: { from: 0, to: settings.steps },
    },
    rewards: [{ name: 'jpeg-incompressibility' }],
    lora: { rank: settings.loraRank, alpha: settings.loraRank },
    optimizer: { learningRate: settings.learningRate, schedule: 'constant' },
    evaluate: { images: 0 },
    samples: { count: 0 },
  });
  const run = await openRun(config);
  if (run.policy.adapter !== undefined) randomizeUpWeights(run.policy.adapter);

  const clock = createPhaseClock(() => undefined);
  const { signal } = new AbortController();
  let iteration = 0;
  const iterate = (chosen: typeof run) => runIteration(chosen, clock, iteration++, signal);

  // Also the warm-up. With one update all ratios are of the policy that sampled.
  const oneUpdate = { ...config, algorithm: { ...config.algorithm, innerUpdates: 1 } };
  const { ratio } = (await iterate({ ...run, config: oneUpdate })).record;
  return {
    versions: versionsWith(run.backend.version),
    onPolicyDeviation: ratio.maxDeviation,
    async repeat() {
      const start = performance.now();
      const { seconds, zeroVarianceGroups, groups } = (await iterate(run)).record;
      if (zeroVarianceGroups === groups)
        throw new Error('All rewards were the same: nothing was learnt.');
      return { ...seconds, total: (performance.now() - start) / 1000 };
    },
  };
});
