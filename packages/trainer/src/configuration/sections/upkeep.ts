/** Where figures go, what a run can go on from, and when it stops by itself. */
import { z } from 'zod';

import { MANY, oneOf, realNumber, text, webAddress, wholeNumber } from '../../fields';

export const tracking = z
  .strictObject({
    tensorboard: z
      .boolean()
      .meta({
        expected: 'true or false',
        description: "TensorBoard's files in the run's folder, for tensorboard --logdir runs",
      })
      .default(true),
    mlflow: z
      .strictObject({
        url: webAddress('address of the tracking server'),
        experiment: text('experiment that the run belongs to; made when there is none').default(
          'loop-diffusion',
        ),
      })
      .nullable()
      .meta({
        expected: 'null or {url, experiment}',
        description: 'an MLflow server that the figures go to, too; null for none',
      })
      .default(null),
    wandb: z
      .strictObject({ project: text('project that the run belongs to') })
      .nullable()
      .meta({
        expected: 'null or {project}',
        description:
          'a project of Weights & Biases that the figures go to, too, by the package @wandb/sdk; null for none',
      })
      .default(null),
  })
  .meta({ description: "where figures go besides the run's folder" })
  .prefault({});

export const checkpoint = z
  .strictObject({
    every: wholeNumber(
      0,
      MANY,
      'iterations between checkpoints, which a run leaves at its end, too; 0 for no limit',
    ).default(25),
    minutes: realNumber(
      0,
      MANY,
      'minutes after which an iteration ends with a checkpoint; 0 for no limit',
    ).default(10),
    keep: wholeNumber(
      1,
      MANY,
      'newest checkpoints that are kept, besides the one with the best rewards',
    ).default(2),
  })
  .meta({ description: 'what a run can go on from' })
  .prefault({});

export const guards = z
  .strictObject({
    skippedUpdates: wholeNumber(
      0,
      MANY,
      'optimizer steps in a row that are left out because loss or gradient are not finite, before the run stops',
    ).default(3),
    failedRewards: realNumber(
      0,
      1,
      "fraction of an iteration's or an evaluation's images that may come without a reward before the run stops",
    ).default(0.5),
    onCollapse: oneOf(
      ['warn', 'stop', 'rollback'],
      'what is done when the mean reward stays far below its best: warn says so, stop ends the run with its best checkpoint as the result, rollback goes on from that checkpoint with a tenth of the learning rate',
    ).default('warn'),
    rollbacks: wholeNumber(
      1,
      100,
      'times that a run rolls back, with onCollapse: rollback, before it stops',
    ).default(3),
  })
  .meta({ description: 'when a run stops by itself' })
  .prefault({});
