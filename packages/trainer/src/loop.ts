/**
 * LOOP, leave-one-out PPO for diffusion models (arXiv:2503.00897): an iteration draws k images for each of its prompts,
 * compares every reward with the mean of the other k − 1, and optimises PPO's clipped surrogate over the denoise steps.
 */
import { counterNormal } from '@loop-diffusion/diffusion-mdp';
import * as tf from '@tensorflow/tfjs-core';

import type { TrainConfig } from './configuration/schema';
import { decodeImages } from './decode';
import { learningRateAt } from './learning-rate';
import { cutIntoMinibatches } from './minibatches';
import { STREAMS } from './noise-streams';
import { createPhaseClock, type PhaseClock } from './phase-clock';
import { encodePrompts } from './policy';
import { prepareRun, type PreparedRun } from './prepare-run';
import { promptsAt } from './prompt-order';
import { reportIteration } from './report-iteration';
import { scoreImages } from './rewards';
import { sampleTrajectories } from './rollout';
import { createRunEvaluator } from './run-evaluator';
import type { IterationRecord, RunSummary } from './run-folder/records';
import { saveAdapter } from './save-adapter';
import { saveSnapshot } from './save-snapshot';
import { summarizeRun } from './summarize-run';
import type { RunRecorder } from './tracking/recorder';
import { chooseTrainedSteps } from './trained-steps';
import { updatePolicy } from './update';

/**
 * Fine-tunes a model and leaves the adapter in the run's folder. Held-out prompts are evaluated before and after, on the
 * same noise.
 *
 * @param signal when aborted, the iteration under way is dropped and the run ends with what it has learnt, without the
 *   evaluation after it
 */
export async function train(
  config: TrainConfig,
  recorder: RunRecorder,
  signal: AbortSignal,
): Promise<RunSummary> {
  const run = await prepareRun(config);
  const clock = createPhaseClock((phase, fraction) => {
    recorder.phase(phase, fraction);
  });
  const evaluator = createRunEvaluator(run, recorder, clock, signal);
  let iterations = 0;
  let failure: unknown;
  try {
    await evaluator.before();
    clock.lap();
    while (iterations < config.iterations) {
      recorder.iteration(await runIteration(run, clock, iterations, signal));
      iterations += 1;
      if (isDue(iterations, config.checkpoint.every)) saveSnapshot(run, iterations);
      await evaluator.afterIteration(iterations);
      clock.lap();
    }
    await evaluator.after();
  } catch (error) {
    if (!signal.aborted) failure = error;
  }
  try {
    // Also after a failure: what was learnt until then is not lost.
    if (iterations > 0) saveAdapter(run);
  } catch (error) {
    failure ??= error;
  }
  run.dispose();
  if (failure !== undefined) throw failure as Error;
  const summary = summarizeRun(run, { iterations, evaluator, clock, interrupted: signal.aborted });
  await recorder.finish(summary);
  return summary;
}

/** Prompts → text → trajectories → images → rewards → advantages → updates. */
export async function runIteration(
  run: PreparedRun,
  clock: PhaseClock,
  iteration: number,
  signal: AbortSignal,
): Promise<IterationRecord> {
  const { config, policy, empty, latentShape } = run;
  const { k } = config.algorithm;
  const { seed, batch } = config;

  // k images for each prompt, side by side.
  const firstPrompt = iteration * batch.prompts;
  const prompts = promptsAt(run.prompts, seed, firstPrompt, batch.prompts).map(({ text }) => text);
  const promptOfImage = prompts.flatMap((_, prompt) => new Array<number>(k).fill(prompt));
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

  const text = await clock.time('text', () => encodePrompts(policy.model, prompts));
  try {
    const trajectories = await clock.time('rollout', (onProgress) =>
      sampleTrajectories(policy, {
        ...{ prompts: text, empty, promptOfImage, latentShape, plan: run.plan, noise },
        ...{ batch: batch.rollout, onProgress, signal },
      }),
    );
    const images = await clock.time('decode', () => {
      const latents = trajectories.finalLatents(promptOfImage.map((_, image) => image));
      try {
        return decodeImages(policy.model, latents, batch.rollout);
      } finally {
        latents.dispose();
      }
    });
    const scores = await clock.time('reward', () =>
      scoreImages(run.rewards, {
        images,
        prompts: promptOfImage.map((prompt) => prompts[prompt] ?? ''),
      }),
    );
    const rewards = prompts.map((_, prompt) => scores.total.slice(prompt * k, (prompt + 1) * k));
    const advantages = run.estimateAdvantages(prompts, rewards).flat();

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
        batch: batch.update,
        onProgress,
        signal,
      }),
    );
    const seconds = clock.lap();
    text.dispose();
    return reportIteration(run, { iteration, scores, rewards, steps, learningRate, seconds });
  } finally {
    if (!text.isDisposed) tf.dispose(text);
  }
}

/** @param every 0 for never */
function isDue(iterations: number, every: number): boolean {
  return every > 0 && iterations % every === 0;
}
