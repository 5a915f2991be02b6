/** One iteration: prompts → text → trajectories → images → rewards → advantages → updates. */
import type { Image } from '@loop-diffusion/rewards';
import type * as tf from '@tensorflow/tfjs-core';

import { klInRewards } from '../learning/kl-in-rewards';
import { learningRateAt } from '../learning/learning-rate';
import { cutIntoMinibatches } from '../learning/minibatches';
import { unitsOf } from '../learning/units';
import { updatePolicy, type OptimizerStepReport } from '../learning/update';
import { decodeImages } from '../policy/decode';
import { disposeTexts } from '../policy/text-condition';
import { promptsAt } from '../prompts/prompt-order';
import { reportIteration } from '../report/report-iteration';
import type { IterationRecord } from '../run-folder/records';
import { groupDiversity } from '../scoring/collapse-signs';
import { createScoring } from '../scoring/scoring';
import type { DrawnImages } from '../tracking/sink';
import { shareOf, type Workers } from '../workers/workers';
import { drawIteration } from './draw-iteration';
import { createGuards, type Guards } from './guards';
import type { PhaseClock } from './phase-clock';
import type { Run } from './run';
import { termsOf } from './terms';

export interface IterationResult extends DrawnImages {
  readonly record: IterationRecord;
}

/** @param rateFactor what the learning rate is multiplied by */
export async function runIteration(
  run: Run,
  clock: PhaseClock,
  iteration: number,
  signal: AbortSignal,
  guards: Guards = createGuards(run.config.guards),
  rateFactor = 1,
): Promise<IterationResult> {
  const { config, policy, empty, objective, workers } = run;
  const { k, klInReward } = config.algorithm;
  const { seed, batch } = config;
  const exchangedBefore = workers.seconds;

  const start = iteration * batch.prompts;
  const prompts = promptsAt(run.prompts, seed, start, batch.prompts).map(({ text }) => text);
  // Those of this process; k images for each, side by side.
  const own = shareOf(workers, prompts.length);
  const firstPrompt = start + own.first;
  const ownPrompts = prompts.slice(own.first, own.first + own.count);
  const promptOfImage = ownPrompts.flatMap((_, prompt) => new Array<number>(k).fill(prompt));
  const promptTexts = promptOfImage.map((prompt) => ownPrompts[prompt] ?? '');

  // No encoder encodes nothing.
  const encoded = own.count > 0 ? ownPrompts : prompts.slice(0, 1);
  const text = await clock.time('text', () => policy.texts.encode(encoded));
  const texts = { prompts: text, empty, promptOfImage };
  const scoring = createScoring(run.rewards, run.combination, signal, workers);
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
          groups: promptOfImage.slice(first, images.length).map((prompt) => own.first + prompt),
        });
      });
    const drawn = await clock.time('rollout', (onProgress) =>
      drawIteration(run, { iteration, firstPrompt, texts, onBatch, onProgress, signal }),
    );
    const scores = await clock.time('reward', () => scoring.finish());
    guards.checkScores(scores);
    const sums = run.advantages.withinPrompts ? scores.total : scores.absolute;
    const penalties =
      klInReward === 0
        ? undefined
        : await clock.time('reward', async () =>
            workers.gather(await klInRewards(run, { ...drawn, ...texts, signal })),
          );
    const penalty = penalties?.flat();
    const learnt = sums.map((sum, image) => sum - klInReward * (penalty?.[image] ?? 0));
    const grouped = (values: readonly number[]): number[][] =>
      prompts.map((_, prompt) => values.slice(prompt * k, (prompt + 1) * k));
    const rewards = grouped(learnt);
    const advantages = run.advantages.estimate(prompts, rewards);

    const learningRate =
      rateFactor * learningRateAt(config.optimizer, iteration, config.iterations);
    // Images that are not learnt from are as if they had not been drawn.
    const units = unitsOf(advantages, objective.pairs ?? false);
    const steps = await clock.time('update', (onProgress) =>
      updatePolicy(policy, run.optimizer, {
        workers,
        terms: termsOf(run, {
          ...{ ...drawn, ...texts, iteration, firstPrompt },
          advantages: advantages.slice(own.first, own.first + own.count),
          rewards: rewards.slice(own.first, own.first + own.count),
        }),
        minibatches: cutIntoMinibatches(units, config.algorithm, seed, iteration).map((all) =>
          all
            .map((image) => image - own.first * k)
            .filter((image) => image >= 0 && image < promptOfImage.length),
        ),
        ...{ innerEpochs: config.algorithm.innerEpochs, learningRate, clipRange: run.clipRange },
        stopDeviation: config.algorithm.stopDeviation ?? undefined,
        onStep: () => run.ema?.update(),
        ...{ onProgress, signal },
      }),
    );
    guards.checkSteps(steps);
    follow(run, steps, iteration + 1);
    const diversity = await diversityOf(images, k, workers);
    const seconds = clock.lap();
    const exchangeSeconds = workers.size > 1 ? workers.seconds - exchangedBefore : undefined;
    const record = reportIteration(
      { ...run, plan: drawn.plan },
      { iteration, scores, rewards, diversity, steps, learningRate, seconds, exchangeSeconds },
    );
    return { record, images, prompts: promptTexts };
  } finally {
    scoring.end();
    disposeTexts(text);
  }
}

/** Over the images of all workers. */
async function diversityOf(images: readonly Image[], k: number, workers: Workers): Promise<number> {
  const prompts = images.length / k;
  // It is the root of a mean over prompts.
  const own = prompts === 0 ? 0 : groupDiversity(images, k) ** 2 * prompts;
  const all = await workers.gather({ own, prompts });
  const sum = (key: 'own' | 'prompts') => all.reduce((total, each) => total + each[key], 0);
  return Math.sqrt(sum('own') / sum('prompts'));
}

/** What goes on behind the policy that learns: the method's average of it, and a weight that follows its target. */
function follow(
  { objective, average, klWeight }: Run,
  steps: readonly OptimizerStepReport[],
  iteration: number,
): void {
  if (objective.learnsFrom === 'images' && objective.average !== undefined) {
    average?.update(objective.average.decay(iteration));
  }
  const divergence = steps.at(-1)?.klReference;
  if (divergence !== undefined) klWeight.observe?.(divergence);
}
