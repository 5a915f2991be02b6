/**
 * Pretrains the miniature Stable Diffusion of shapes-benchmark from nothing, and writes it with its model card.
 *
 *   node -C @loop/source --import tsx tools/pretrain/main.ts [--stage NAME] [--images N] [--output FOLDER]
 *
 * Without --stage all stages run in order: scenes, autoencoder, diffusion, export, card. Everything on the way
 * lies in tmp/pretrain; run again after an interruption, it goes on from there.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { useBestBackend } from '@loop-diffusion/native-tensorflow';
import { shapesModelFolder } from '@loop-diffusion/shapes-benchmark';
import { loadAutoencoder, trainAutoencoder, type AutoencoderPlan } from './autoencoder';
import { loadDiffusion, trainDiffusion, type DiffusionPlan } from './diffusion';
import { exportModel } from './export';
import { prepareLatents } from './latents';
import { isFollower, joinReplicas } from './replicas';
import { latentCount, prepareScenes, sceneCount } from './scenes';

const stages = ['scenes', 'autoencoder', 'diffusion', 'export', 'card'] as const;
const seed = 0;
const processes = 2;

const autoencoderPlan: AutoencoderPlan = {
  seed,
  cropImages: 30_720,
  wholeImages: 9_600,
  cropBatch: 64,
  wholeBatch: 8,
  learningRate: 1.5e-3,
  klWeight: 1e-6,
};

const diffusionPlan: DiffusionPlan = {
  seed,
  images: 105_600,
  batch: 96,
  learningRate: 2e-3,
  decayShare: 0.4,
  averageDecay: 0.995,
  snrLimit: 5,
  promptDropout: 0.12,
  evaluateEvery: 10_000,
  evaluationPrompts: 100,
  finalPrompts: 256,
};

const { values: options } = parseArgs({
  options: {
    stage: { type: 'string' },
    images: { type: 'string' },
    output: { type: 'string' },
    work: { type: 'string' },
  },
});
const chosen = stages.filter((stage) => options.stage === undefined || stage === options.stage);
if (chosen.length === 0) {
  throw new Error(`there is no stage "${String(options.stage)}"; expected ${stages.join(', ')}`);
}
const folder = options.work ?? join('tmp', 'pretrain');
const output = options.output ?? shapesModelFolder();
const report = (line: string): void => {
  if (!isFollower()) console.log(`${new Date().toISOString().slice(11, 19)} ${line}`);
};
const scenes = (count: number) => prepareScenes(folder, seed, count, report);

// A thread for each process: see replicas.ts. The native library reads this when it loads.
process.env['TF_NUM_INTRAOP_THREADS'] ??= '1';
const backend = await useBestBackend({ quiet: isFollower() });
for (const stage of chosen) {
  switch (stage) {
    case 'scenes':
      scenes(sceneCount);
      break;
    case 'autoencoder': {
      const all = scenes(sceneCount);
      const replicas = joinReplicas(processes, stage);
      await trainAutoencoder(folder, autoencoderPlan, all, replicas, report);
      replicas.close();
      break;
    }
    case 'diffusion': {
      const some = scenes(latentCount);
      const replicas = joinReplicas(processes, stage);
      const autoencoder = loadAutoencoder(folder);
      const latents = await prepareLatents(folder, autoencoder, some, replicas, report);
      const images = options.images === undefined ? diffusionPlan.images : Number(options.images);
      await trainDiffusion(
        folder,
        { ...diffusionPlan, images },
        autoencoder,
        latents,
        some,
        replicas,
        report,
      );
      replicas.close();
      break;
    }
    case 'export':
      exportModel(loadDiffusion(folder, loadAutoencoder(folder)), output);
      break;
    case 'card': {
      const { writeModelCard } = await import('./card');
      await writeModelCard(
        folder,
        output,
        { autoencoder: autoencoderPlan, diffusion: diffusionPlan },
        backend,
        report,
      );
      break;
    }
  }
}
