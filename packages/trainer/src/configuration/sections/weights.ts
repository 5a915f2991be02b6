/** What is trained, and how gradients move it. */
import { z } from 'zod';

import { MANY, numberAbove, oneOf, realNumber, text, wholeNumber } from '../../fields';

/** Where none is given: what suits an adapter would destroy a model of which every weight moves by it. */
export const LEARNING_RATE_OF_ALL_WEIGHTS = 2e-5;

export const lora = z
  .strictObject({
    rank: wholeNumber(1, 1024, 'rank of the adapter').default(8),
    alpha: numberAbove(0, Infinity, 'the adapter is scaled by alpha / rank').default(8),
    targets: z
      .array(text('module name'))
      .min(1)
      .meta({
        expected: 'a list with at least one module name',
        description: 'ends of the names of the adapted modules',
      })
      .default(['to_q', 'to_k', 'to_v', 'to_out.0']),
    from: text(
      'an adapter of this rank, alpha and targets to start from: a safetensors file, a checkpoint or a run; null for a new one',
    )
      .nullable()
      .default(null),
  })
  .nullable()
  .meta({
    expected: 'null or {rank, alpha, targets, from}',
    description: 'the adapter that is trained; null to train all weights of the UNet',
  })
  .prefault({});

export const optimizer = z
  .strictObject({
    name: oneOf(
      ['adamw', 'storm'],
      'the optimizer; storm lowers the variance of gradients by a second one of each minibatch, at twice the arithmetic',
    ).default('adamw'),
    learningRate: numberAbove(
      0,
      Infinity,
      `largest learning rate, whose first step storm takes in its own direction; left out with lora: null, ${String(LEARNING_RATE_OF_ALL_WEIGHTS)}`,
    ).default(2e-3),
    schedule: oneOf(
      ['constant', 'linear', 'cosine'],
      'how the learning rate falls over the run',
    ).default('linear'),
    finalLearningRateFraction: realNumber(
      0,
      1,
      'learning rate of the last iteration as a fraction of the largest',
    ).default(0.15),
    betas: z
      .tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)])
      .meta({
        expected: 'two numbers from 0 to below 1',
        description: 'decay rates of the first and second moment of adamw',
      })
      .default([0.9, 0.999]),
    epsilon: numberAbove(0, 1, 'added to the root of the second moment of adamw').default(1e-8),
    weightDecay: realNumber(0, 1, 'decoupled weight decay of adamw').default(1e-4),
    maxGradientNorm: numberAbove(
      0,
      Infinity,
      'gradients with a larger norm are scaled down to it; for storm, its estimate of the gradient',
    ).default(1),
    warmupIterations: wholeNumber(
      0,
      MANY,
      'iterations over which the learning rate rises linearly',
    ).default(0),
    storm: z
      .strictObject({
        units: oneOf(
          ['first-gradient', 'own'],
          'what k, floor and c are numbers of: units in which the first gradient has the norm 1 and the first step lowers the loss as one of adamw would, or those that gradients and weights have of their own, where the learning rate says nothing but its schedule',
        ).default('first-gradient'),
        k: numberAbove(
          0,
          Infinity,
          'numerator of the step length, k / ∛(floor + sum of all squared gradient norms), times the learning rate over its largest',
        ).default(0.1),
        floor: numberAbove(
          0,
          Infinity,
          'added to the sum of all squared gradient norms, so that the first steps are not too long',
        ).default(0.1),
        c: numberAbove(
          0,
          Infinity,
          'times the squared step length, the weight that a new gradient has in the estimate, at most 1; the smaller, the more momentum',
        ).default(100),
      })
      .meta({ description: 'step length and momentum of storm' })
      .prefault({}),
  })
  .meta({ description: 'how gradients move the trained weights' })
  .prefault({});
