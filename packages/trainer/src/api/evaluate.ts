/** Mean reward of a model, with or without an adapter, on a list of prompts. */
import { join } from 'node:path';

import { useBestBackend } from '@loop-diffusion/native-tensorflow';
import { encodePng, type Image, type Reward } from '@loop-diffusion/rewards';
import { heldOutPrompts } from '@loop-diffusion/shapes-benchmark';

import { backendOptions } from '../configuration/backend-options';
import { checkOutputFolder } from '../files/check-output-folder';
import { imageFileName } from '../files/image-file-name';
import { writeFileAtomically } from '../files/write-atomically';
import { findCutOffPrompts } from '../policy/find-cut-off-prompts';
import { latentShape } from '../policy/latent-shape';
import { createTextSource } from '../policy/text-source';
import { readEvaluationPrompts } from '../prompts/prompt-sources';
import { readPromptFile } from '../prompts/read-prompt-file';
import { evaluatePolicy } from '../run/evaluate-policy';
import { imagesOfAPrompt, planEvaluation } from '../run/evaluation-plan';
import { createPictureScreen, type PictureScreen } from '../scoring/picture-screen';
import { createReward } from '../scoring/rewards';
import { UserError } from '../user-error';
import { openModel } from '../weights/open-model';
import type { EvaluateOptions, EvaluateResult } from './drawing-options';

/** Images per call of the model. */
const BATCH = 32;

/**
 * Writes the images before they are scored, so that they are there whatever the reward does.
 *
 * @throws UserError that says what is wrong with the folder, the model, the prompts or the reward, or that it failed on every image
 */
export async function evaluateModel(options: EvaluateOptions): Promise<EvaluateResult> {
  const { safety = null, backend, images = Infinity } = options;
  checkOutputFolder(options.out);
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
  // Before the reward's models, which take longer.
  const promptCount = await countPrompts(options.prompts);
  const reward = await createReward(options.reward, options.rewardSettings);
  try {
    return await evaluateWith(reward, promptCount, screen, options);
  } finally {
    await reward.dispose?.();
  }
}

async function evaluateWith(
  reward: Reward,
  promptCount: number,
  screen: PictureScreen,
  options: EvaluateOptions,
): Promise<EvaluateResult> {
  const { onProgress, signal, out, guidance, vaeTiles, seed } = options;
  const rewards = [{ name: reward.name, reward, weight: 1 }];
  const count = options.images ?? promptCount * imagesOfAPrompt(rewards);
  const plan = planEvaluation(await readEvaluationPrompts(options.prompts, count), count, rewards);
  const { model, schedule, adapter } = await openModel({
    ...options,
    rows: count,
    onLoad: (fraction) => onProgress?.('loading', fraction),
  });
  const files: EvaluateResult['images'] = [];
  let withheld = 0;
  async function write(images: readonly Image[]): Promise<void> {
    const screened = await screen.show(images);
    withheld = screened.withheld;
    for (const [index, image] of screened.shown.entries()) {
      const prompt = plan.prompts[index]?.text ?? '';
      const file = join(out, imageFileName(index, prompt));
      writeFileAtomically(file, await encodePng(image));
      files.push({ file, prompt });
    }
  }
  try {
    const shape = latentShape(model, options);
    const { record } = await evaluatePolicy(
      {
        ...{ model, unet: model.unet, schedule, adapter, guidance },
        ...{ texts: createTextSource(model, shape), latentShape: shape, vaeTiles },
      },
      {
        ...{ name: 'evaluation', plan, rewards, settings: options, seed, batch: BATCH, signal },
        onDrawn: write,
        onProgress: (fraction) => onProgress?.('evaluation', fraction),
      },
    );
    if (record.count === 0 && record.failed > 0) {
      throw new UserError(
        `The reward failed on every image (${record.failures[0]?.message ?? 'no reason given'}); the images are in ${out}`,
      );
    }
    const cutOff = findCutOffPrompts(
      model,
      plan.prompts.map(({ text }) => text),
    );
    return { evaluation: record, images: files, withheld, cutOff };
  } finally {
    model.dispose();
  }
}

async function countPrompts(source: string): Promise<number> {
  return source === 'shapes' ? heldOutPrompts().length : (await readPromptFile(source)).length;
}
