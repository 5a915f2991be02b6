/** Mean reward of a model, with or without an adapter, on a list of prompts. */
import { join } from 'node:path';

import { useBestBackend } from '@loop-diffusion/native-tensorflow';
import { encodePng } from '@loop-diffusion/rewards';
import { heldOutPrompts } from '@loop-diffusion/shapes-benchmark';

import { backendOptions } from '../configuration/backend-options';
import { imageFileName } from '../files/image-file-name';
import { writeFileAtomically } from '../files/write-atomically';
import { latentShape } from '../policy/latent-shape';
import { createTextSource } from '../policy/text-source';
import { readEvaluationPrompts } from '../prompts/prompt-sources';
import { readPromptFile } from '../prompts/read-prompt-file';
import { evaluatePolicy } from '../run/evaluate-policy';
import { createPictureScreen, type PictureScreen } from '../scoring/picture-screen';
import { createReward } from '../scoring/rewards';
import { openModel } from '../weights/open-model';
import type { EvaluateOptions, EvaluateResult } from './drawing-options';

/** Images per call of the model. */
const BATCH = 32;

export async function evaluateModel(options: EvaluateOptions): Promise<EvaluateResult> {
  const { safety = null, backend, images = Infinity } = options;
  // First, for some rewards work on it.
  await useBestBackend({ ...backendOptions(backend, images), quiet: true });
  const screen = await createPictureScreen(safety);
  try {
    return await evaluateThrough(screen, options);
  } finally {
    screen.dispose();
  }
}

async function evaluateThrough(
  screen: PictureScreen,
  options: EvaluateOptions,
): Promise<EvaluateResult> {
  const reward = await createReward(options.reward, options.rewardSettings);
  const count = options.images ?? (await countPrompts(options.prompts));
  const prompts = await readEvaluationPrompts(options.prompts, count);
  const { model, schedule, adapter } = await openModel({
    ...options,
    rows: count,
    onLoad: (fraction) => options.onProgress?.('loading', fraction),
  });
  try {
    const shape = latentShape(model, options);
    const { guidance, vaeTiles } = options;
    const { record, images } = await evaluatePolicy(
      {
        ...{ model, unet: model.unet, schedule, adapter, guidance },
        ...{ texts: createTextSource(model, shape), latentShape: shape, vaeTiles },
      },
      {
        name: 'evaluation',
        prompts,
        rewards: [{ name: reward.name, reward, weight: 1 }],
        settings: options,
        seed: options.seed,
        batch: BATCH,
        onProgress: (fraction) => options.onProgress?.('evaluation', fraction),
        signal: options.signal,
      },
    );
    const { shown, withheld } = await screen.show(images);
    const files: EvaluateResult['images'] = [];
    for (const [index, { text: prompt }] of prompts.entries()) {
      const file = join(options.out, imageFileName(index, prompt));
      const image = shown[index];
      if (image !== undefined) writeFileAtomically(file, await encodePng(image));
      files.push({ file, prompt });
    }
    return { evaluation: record, images: files, withheld };
  } finally {
    model.dispose();
    await reward.dispose?.();
  }
}

async function countPrompts(source: string): Promise<number> {
  return source === 'shapes' ? heldOutPrompts().length : (await readPromptFile(source)).length;
}
