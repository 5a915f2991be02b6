/** Mean reward of a model, with or without an adapter, on a list of prompts. */
import { join } from 'node:path';

import { encodePng, rewardFromFunction, type Image, type Reward } from '@loop-diffusion/rewards';
import { heldOutPrompts } from '@loop-diffusion/shapes-benchmark';

import { checkOutputFolder } from '../files/check-output-folder';
import { imageFileName } from '../files/image-file-name';
import { writeFileAtomically } from '../files/write-atomically';
import { createCompute } from '../policy/compute';
import { findCutOffPrompts } from '../prompts/find-cut-off-prompts';
import { latentShape } from '../policy/latent-shape';
import { createTextSource } from '../policy/text-source';
import { readEvaluationPrompts, type PromptSource } from '../prompts/prompt-sources';
import { readPromptFile } from '../prompts/read-prompt-file';
import { evaluatePolicy } from '../run/evaluate-policy';
import { imagesOfAPrompt, planEvaluation } from '../run/evaluation-plan';
import { createPictureScreen, type PictureScreen } from '../scoring/picture-screen';
import { createReward, ownCallsAtOnce } from '../scoring/rewards';
import { UserError } from '../user-error';
import { openModel } from '../weights/open-model';
import { isFirst } from '../workers/find-cluster';
import type { Workers } from '../workers/workers';
import { checkOptions, evaluateSchema } from './check-options';
import {
  withDefaults,
  type Evaluated,
  type EvaluateFilesOptions,
  type EvaluateFilesResult,
  type EvaluateOptions,
  type EvaluateResult,
  type SampledImage,
  type WithDefaults,
} from './drawing-options';
import { taggedPrompts } from './named-objects';
import { withWorkers } from './with-workers';
import type { EvaluatedReward } from './options';

/** Images per call of the model. */
const BATCH = 32;

/**
 * Draws images of prompts, always from the same noise for the same seed, and scores them.
 *
 * @throws UserError that says what is wrong with the folder, the model, the prompts or the reward, or that it failed on every image
 */
export async function evaluate(options: WithDefaults<EvaluateOptions>): Promise<EvaluateResult> {
  checkOptions('evaluate', evaluateSchema, options);
  let images: readonly Image[] = [];
  let prompts: readonly string[] = [];
  const evaluated = await evaluateImages(
    await withDefaults<EvaluateOptions>(options),
    (...drawn) => {
      [images, prompts] = drawn;
    },
  );
  return { ...evaluated, images, prompts };
}

/**
 * The same with the images in files, written before they are scored, so that they are there whatever the reward does.
 *
 * @throws UserError as {@link evaluate}
 */
export async function evaluateModel(options: EvaluateFilesOptions): Promise<EvaluateFilesResult> {
  // Only the first of several workers writes.
  const writes = isFirst(options.cluster);
  if (writes) checkOutputFolder(options.out);
  const files: SampledImage[] = [];
  const evaluated = await evaluateImages(
    options,
    async (images, prompts) => {
      if (!writes) return;
      for (const [index, image] of images.entries()) {
        const prompt = prompts[index] ?? '';
        const file = join(options.out, imageFileName(index, prompt));
        writeFileAtomically(file, await encodePng(image));
        files.push({ file, prompt });
      }
    },
    `; the images are in ${options.out}`,
  );
  return { ...evaluated, images: files };
}

/** Takes the images, those in whose place a grey one stands among them, before they are scored. */
type TakeImages = (images: readonly Image[], prompts: readonly string[]) => Promise<void> | void;

/** @param remark of an error that leaves the images without a score */
async function evaluateImages(
  options: EvaluateOptions,
  take: TakeImages,
  remark = '',
): Promise<Evaluated> {
  const { safety = null, images = Infinity } = options;
  // First, for some rewards work on the backend.
  return withWorkers(options, images, async (workers) => {
    const screen = await createPictureScreen(safety);
    try {
      // Before the reward's models, which take longer.
      const { prompts } = options;
      const source = typeof prompts === 'string' ? prompts : taggedPrompts(prompts);
      const promptCount = await countPrompts(source);
      const { reward, dispose } = await openReward(options.reward, workers);
      try {
        const parts = { source, promptCount, screen, take, remark, workers };
        return await evaluateWith(reward, parts, options);
      } finally {
        await dispose();
      }
    } finally {
      screen.dispose();
    }
  });
}

interface Parts {
  readonly source: PromptSource;
  readonly promptCount: number;
  readonly screen: PictureScreen;
  readonly take: TakeImages;
  readonly remark: string;
  readonly workers: Workers;
}

async function evaluateWith(
  reward: Reward,
  { source, promptCount, screen, take, remark, workers }: Parts,
  options: EvaluateOptions,
): Promise<Evaluated> {
  const { onProgress, signal, guidance, vaeTiles, seed } = options;
  const rewards = [{ name: reward.name, reward, weight: 1 }];
  const count = options.images ?? promptCount * imagesOfAPrompt(rewards);
  const plan = planEvaluation(await readEvaluationPrompts(source, count), count, rewards);
  const prompts = plan.prompts.map(({ text }) => text);
  const { model, schedule, adapter, dispose } = await openModel({
    ...options,
    onLoad: (fraction) => onProgress?.('loading', fraction),
  });
  const compute = createCompute();
  let withheld = 0;
  try {
    const shape = latentShape(model, options);
    const { record } = await evaluatePolicy(
      {
        ...{ model, unet: model.unet, schedule, adapter, guidance, compute },
        ...{ texts: createTextSource(model, shape), latentShape: shape, vaeTiles },
      },
      {
        ...{ name: 'evaluation', plan, rewards, settings: options, seed, batch: BATCH, signal },
        workers,
        async onDrawn(images) {
          const screened = await workers.gather(await screen.show(images));
          withheld = screened.reduce((sum, own) => sum + own.withheld, 0);
          const shown = screened.flatMap((own) => own.shown);
          await take(shown, prompts);
        },
        onProgress: (fraction) => onProgress?.('evaluation', fraction),
      },
    );
    if (record.count === 0 && record.failed > 0) {
      throw new UserError(
        `The reward failed on every image (${record.failures[0]?.message ?? 'no reason given'})${remark}`,
      );
    }
    return { evaluation: record, withheld, cutOff: findCutOffPrompts(model, prompts) };
  } finally {
    compute.dispose();
    dispose();
  }
}

async function countPrompts(source: PromptSource): Promise<number> {
  if (typeof source !== 'string') return source.length;
  return source === 'shapes' ? heldOutPrompts().length : (await readPromptFile(source)).length;
}

/** A reward that was given as an object stays the caller's to dispose of. */
async function openReward(
  given: EvaluatedReward,
  workers: Workers,
): Promise<{ reward: Reward; dispose: () => Promise<void> }> {
  const nothing = () => Promise.resolve();
  if (typeof given === 'function') return { reward: rewardFromFunction(given), dispose: nothing };
  if (typeof given === 'object' && 'score' in given) return { reward: given, dispose: nothing };
  const { name, settings } = typeof given === 'string' ? { name: given, settings: {} } : given;
  const reward = await createReward(name, ownCallsAtOnce(name, settings, workers));
  return { reward, dispose: async () => reward.dispose?.() };
}
