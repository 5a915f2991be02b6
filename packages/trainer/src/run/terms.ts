/** What an iteration's loss is the sum of: the method's own, and the imitation of the best images where that is asked for. */
import { bestAndWorst } from '@loop-diffusion/advantage-estimators';

import { denoisingTerm } from '../learning/denoising-term';
import { createNoiseDraws } from '../learning/noise-draws';
import type { Term, TextsOfImages } from '../learning/term';
import { trajectoryTerm } from '../learning/trajectory-term';
import type { DenoisingObjective } from '../methods/method';
import { presentIn } from '../statistics';
import { withWeights } from '../weights/trained-weights';
import type { Drawn } from './draw-iteration';
import type { Run } from './run';

export interface Lesson extends TextsOfImages, Drawn {
  /** Counted from 0. */
  readonly iteration: number;
  /** Number, in the run, of the iteration's first prompt. */
  readonly firstPrompt: number;
  /** `[prompts, k]`, NaN for images that are not learnt from. */
  readonly advantages: readonly (readonly number[])[];
  /** `[prompts, k]`, NaN where there is none. */
  readonly rewards: readonly (readonly number[])[];
}

/** @throws TypeError when the run lacks what the method asks for */
export function termsOf(run: Run, lesson: Lesson): Term[] {
  const { config, objective, lossContext: context, policy, sampleDropout, average } = run;
  const { draws, sftWeight, emphasis, emphasisLambda } = config.algorithm;
  const advantages = lesson.advantages.flat();
  const common = { ...lesson, context, batch: config.batch.update, base: run.base };
  const drawOf = createNoiseDraws(
    policy.schedule,
    config.seed,
    lesson.firstPrompt,
    context.latentSize,
  );
  const klWeight = run.klWeight.weight;
  const terms: Term[] = [];
  if (objective.learnsFrom === 'images') {
    const averaged = average && withWeights(policy, average.weights);
    const denoising = { ...common, objective, draws, drawOf, average: averaged };
    const { extra: asked } = objective;
    const { extra } = lesson;
    const promptsOf = (images: readonly number[]): number[] => [
      ...new Set(images.map((image) => lesson.promptOfImage[image] ?? 0)),
    ];
    terms.push(
      denoisingTerm({
        ...{ ...denoising, advantages, klWeight },
        alongside: asked && ((images) => promptsOf(images).length * asked.count),
      }),
    );
    if (asked !== undefined && extra !== undefined) {
      const weight = asked.weight(lesson.iteration / config.iterations);
      const { promptOfImage } = extra;
      terms.push(
        denoisingTerm({
          ...{ ...denoising, ...extra, klWeight: 0 },
          advantages: promptOfImage.map(
            (prompt) => weight * largestOf(lesson.advantages[prompt] ?? []),
          ),
          imagesFor: (images) =>
            promptsOf(images).flatMap((prompt) =>
              promptOfImage.flatMap((own, image) => (own === prompt ? [image] : [])),
            ),
          alongside: (images) => images.length,
        }),
      );
    }
  } else if (lesson.trajectories !== undefined) {
    const { trajectories } = lesson;
    terms.push(
      trajectoryTerm({
        ...{ ...common, objective, advantages, trajectories, klWeight, sampleDropout },
        emphasis: emphasis === 'none' ? undefined : { interest: emphasis, lambda: emphasisLambda },
      }),
    );
  }
  if (sftWeight > 0) {
    terms.push(
      denoisingTerm({
        ...{ ...common, draws, drawOf, objective: imitation, weight: sftWeight, klWeight: 0 },
        advantages: bestOfEach(lesson.rewards),
      }),
    );
  }
  return terms;
}

/** ℓ of the best image of each prompt (RPO, arXiv 2405.16436). */
const imitation: Pick<DenoisingObjective, 'loss'> = {
  loss: ({ error }) => ({ loss: error, measures: { best_error: error } }),
};

/** 1 for the best of a prompt, NaN for the others, and for all where rewards are equal. */
function bestOfEach(rewards: readonly (readonly number[])[]): number[] {
  return bestAndWorst(rewards, presentIn(rewards))
    .flat()
    .map((preference) => (preference === 1 ? 1 : Number.NaN));
}

/** 0 where all are left out. */
function largestOf(advantages: readonly number[]): number {
  return advantages.reduce((most, advantage) => (advantage > most ? advantage : most), 0);
}
