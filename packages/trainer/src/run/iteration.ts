/** One iteration: prompts → text → trajectories → images → rewards → advantages → updates. */
import { counterNormal } from '@loop-diffusion/diffusion-mdp';
import type { Image } from '@loop-diffusion/rewards';
import type * as tf from '@tensorflow/tfjs-core';

import { learningRateAt } from '../learning/learning-rate';
import { cutIntoMinibatches } from '../learning/minibatches';
import { chooseTrainedSteps } from '../learning/trained-steps';
import { updatePolicy } from '../learning/update';
import { STREAMS } from '../noise-streams';
import { decodeImages } from '../policy/decode';
import { sampleTrajectories } from '../policy/rollout';
import { disposeTexts } from '../policy/text-condition';
import { promptsAt } from '../prompts/prompt-order';
import { reportIteration } from '../report/report-iteration';
import type { IterationRecord } from '../run-folder/records';
import { createScoring } from '../scoring/scoring';
import type { DrawnImages } from '../tracking/sink';
import { createGuards, type Guards } from './guards';
import type { PhaseClock } from './phase-clock';
import type { Run } from './run';

export interface IterationResult extends DrawnImages {
  readonly record: IterationRecord;
}

export async function runIteration(
  run: Run,
  clock: PhaseClock,
  iteration: number,
  signal: AbortSignal,
  guards: Guards = createGuards(run.config.guards),
): Promise<IterationResult> {
  const { config, policy, empty } = run;
  const { latentShape } = policy;
  const { k } = config.algorithm;
  const { seed, batch } = config;

  // k images for each prompt, side by side.
  const firstPrompt = iteration * batch.prompts;
  const prompts = promptsAt(run.prompts, seed, firstPrompt, batch.prompts).map(({ text }) => text);
  const promptOfImage = prompts.flatMap((_, prompt) => new Array<number>(k).fill(prompt));
  const promptTexts = promptOfImage.map((prompt) => prompts[prompt] ?? '');
  const latentSize = latentShape[0] * latentShape[1] * latentShape[2];
  const noise = (image: number, step: number) =>
    counterNormal(
      {
        seed,
        prompt: firstPrompt + Math.floor(image / k),
        sample: image % k,
        step,
        stream: STREAMS.rollout,
      },
      latentSize,
    );

  const text = await clock.time('text', () => policy.texts.encode(prompts));
  const scoring = createScoring(run.rewards, run.combination, signal);
  try {
    const images: Image[] = [];
    // Rewards see each batch of images while the next one is being drawn.
    const onBatch = (latents: tf.Tensor4D) =>
      clock.time('decode', () => {
        const drawn = decodeImages(policy, latents, batch.rollout);
        const first = images.length;
        images.push(...drawn);
        scoring.add({
          images: drawn,
          prompts: promptTexts.slice(first, images.length),
          groups: promptOfImage.slice(first, images.length),
        });
      });
    const trajectories = await clock.time('rollout', (onProgress) =>
      sampleTrajectories(policy, {
        ...{ prompts: text, empty, promptOfImage, latentShape, plan: run.plan, noise },
        ...{ batch: batch.rollout, onBatch, onProgress, signal },
      }),
    );
    const scores = await clock.time('reward', () => scoring.finish());
    guards.checkScores(scores);
    const sums = run.advantages.withinPrompts ? scores.total : scores.absolute;
    const rewards = prompts.map((_, prompt) => sums.slice(prompt * k, (prompt + 1) * k));
    const advantages = run.advantages.estimate(prompts, rewards).flat();
    // Images without a reward are as if they had not been drawn.
    const rewarded = rewards.flat().flatMap((reward, image) => (Number.isNaN(reward) ? [] : image));

    const learningRate = learningRateAt(config.optimizer, iteration, config.iterations);
    const steps = await clock.time('update', (onProgress) =>
      updatePolicy(policy, run.optimizer, {
        ...{ trajectories, advantages, prompts: text, promptOfImage, empty, learningRate },
        minibatches: cutIntoMinibatches(rewarded, config.algorithm, seed, iteration),
        trainedSteps: chooseTrainedSteps(
          run.trainedSteps,
          config.algorithm.timesteps.count,
          seed,
          iteration,
        ),
        objective: run.objective,
        reference: run.base,
        batch: batch.update,
        onProgress,
        signal,
      }),
    );
    guards.checkSteps(steps);
    const seconds = clock.lap();
    const record = reportIteration(run, {
      ...{ iteration, scores, rewards, images, steps, learningRate, seconds },
    });
    return { record, images, prompts: promptTexts };
  } finally {
    scoring.end();
    disposeTexts(text);
  }
}
