/**
 * LOOP, leave-one-out PPO for diffusion models (arXiv:2503.00897): an iteration draws k images for each of its prompts,
 * compares every reward with the mean of the other k − 1, and optimises PPO's clipped surrogate over the denoise steps.
 */
import { counterNormal } from '@loop-diffusion/diffusion-mdp';
import type { Image } from '@loop-diffusion/rewards';
import type * as tf from '@tensorflow/tfjs-core';

import { createCheckpoints, restoreCheckpoint } from './checkpoint';
import type { TrainConfig } from '../configuration/schema';
import { decodeImages } from '../policy/decode';
import { createGuards, type Guards } from './guards';
import { learningRateAt } from '../learning/learning-rate';
import { cutIntoMinibatches } from '../learning/minibatches';
import { STREAMS } from '../noise-streams';
import { createPhaseClock, type PhaseClock } from './phase-clock';
import { disposeTexts } from '../policy/policy';
import { prepareRun, type PreparedRun } from './open-run';
import { promptsAt } from '../prompts/prompt-order';
import { reportIteration } from '../report/report-iteration';
import { createScoring } from '../scoring/rewards';
import { sampleTrajectories } from '../policy/rollout';
import { createRunEvaluator } from './evaluator';
import type { Checkpoint } from '../run-folder/checkpoint-folder';
import type { EvaluationRecord, IterationRecord, RunSummary } from '../run-folder/records';
import { saveTrained } from './save-trained';
import { summarizeRun } from './summarize-run';
import type { DrawnImages, RunRecorder } from '../tracking/recorder';
import { chooseTrainedSteps } from '../learning/trained-steps';
import { allOrNothing } from './training-state';
import { updatePolicy } from '../learning/update';

/** Where a run goes on from. */
export interface ResumePoint {
  /** Undefined for a run that ended before its first. */
  readonly checkpoint: Checkpoint | undefined;
  /** Those made until then. */
  readonly evaluations: readonly EvaluationRecord[];
  /** Told what is no longer as it was when the checkpoint was made. */
  readonly onDifference: (difference: string) => void;
}

/**
 * Fine-tunes a model and leaves what was trained in the run's folder, with checkpoints on the way. Held-out prompts are evaluated
 * before and after, on the same noise.
 *
 * @param signal when aborted, the iteration under way is dropped and the run ends with a checkpoint and its result as it is,
 *   without the evaluation after it
 * @param from goes on with a run; the numbers are those of one that never stopped
 * @throws what went wrong, after leaving a checkpoint of the iterations that were done
 */
export async function train(
  config: TrainConfig,
  recorder: RunRecorder,
  signal: AbortSignal,
  from?: ResumePoint,
): Promise<RunSummary> {
  const run = await prepareRun(config, (fraction) => {
    recorder.phase('loading', fraction);
  });
  try {
    return await iterate(run, recorder, signal, from);
  } finally {
    run.dispose();
  }
}

async function iterate(
  run: PreparedRun,
  recorder: RunRecorder,
  signal: AbortSignal,
  from: ResumePoint | undefined,
): Promise<RunSummary> {
  const { config } = run;
  const progress = from?.checkpoint && restoreCheckpoint(run, from.checkpoint, from.onDifference);
  const clock = createPhaseClock((phase, fraction) => {
    recorder.phase(phase, fraction);
  }, progress?.seconds);
  const evaluator = createRunEvaluator(run, recorder, clock, signal, from?.evaluations);
  const checkpoints = createCheckpoints(run, clock, progress);
  const guards = createGuards(config.guards);
  let iterations = progress?.iterations ?? 0;
  let failure: unknown;
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (error !== signal.reason) failure ??= error;
    }
  };

  await attempt(async () => {
    await evaluator.before();
    run.releaseBase();
    await evaluator.afterIteration(iterations);
    clock.lap();
    while (iterations < config.iterations) {
      const result = await allOrNothing(run, () =>
        runIteration(run, clock, iterations, signal, guards),
      );
      iterations += 1;
      checkpoints.count(result.record);
      // Screened where the recorder keeps them, which it seldom does.
      const drawn = async (): Promise<DrawnImages> => {
        const { shown } = await run.screen.show(result.images);
        return { images: shown, prompts: result.prompts };
      };
      await clock.time('tracking', () => recorder.iteration(result.record, drawn));
      await evaluator.afterIteration(iterations);
      await clock.time('checkpoint', () => {
        checkpoints.saveIfDue();
      });
      clock.lap();
    }
  });
  // Also after a failure or a signal: what was learnt until then is not lost.
  await attempt(async () => {
    checkpoints.save();
    if (iterations > 0) saveTrained(run);
    if (iterations === config.iterations && !signal.aborted) await evaluator.after();
  });
  if (failure !== undefined) throw failure as Error;
  const summary = summarizeRun(run, { iterations, evaluator, clock, interrupted: signal.aborted });
  await recorder.finish(summary);
  return summary;
}

export interface IterationResult extends DrawnImages {
  readonly record: IterationRecord;
}

/** Prompts → text → trajectories → images → rewards → advantages → updates. */
export async function runIteration(
  run: PreparedRun,
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
  try {
    const images: Image[] = [];
    const scoring = createScoring(run.rewards, run.combination, signal);
    // Rewards see each batch of images while the next one is being drawn.
    const onBatch = (latents: tf.Tensor4D) =>
      clock.time('decode', () => {
        const drawn = decodeImages(policy, latents, batch.rollout);
        const first = images.length;
        images.push(...drawn);
        scoring.add({ images: drawn, prompts: promptTexts.slice(first, images.length) });
      });
    const trajectories = await clock.time('rollout', (onProgress) =>
      sampleTrajectories(policy, {
        ...{ prompts: text, empty, promptOfImage, latentShape, plan: run.plan, noise },
        ...{ batch: batch.rollout, onBatch, onProgress, signal },
      }),
    );
    const scores = await clock.time('reward', () => scoring.finish(promptOfImage));
    guards.checkScores(scores);
    const rewards = prompts.map((_, prompt) => scores.total.slice(prompt * k, (prompt + 1) * k));
    const advantages = run.advantages.estimate(prompts, rewards).flat();

    const learningRate = learningRateAt(config.optimizer, iteration, config.iterations);
    const steps = await clock.time('update', (onProgress) =>
      updatePolicy(policy, run.optimizer, {
        ...{ trajectories, advantages, prompts: text, promptOfImage, empty, learningRate },
        minibatches: cutIntoMinibatches(images.length, config.algorithm, seed, iteration),
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
    disposeTexts(text);
  }
}
