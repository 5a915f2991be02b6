import type * as tf from '@tensorflow/tfjs-core';

import type { TrainConfig } from '../configuration/schema';
import { createAdamW, type AdamWOptions } from './adamw';
import type { Optimizer } from './optimizer';
import { createStorm, type StormOptions } from './storm';

type OptimizerSettings = Pick<TrainConfig['optimizer'], 'name'> & AdamWOptions & StormOptions;

/** The optimizer that a configuration names. */
export function createOptimizer(
  variables: readonly tf.Variable[],
  settings: OptimizerSettings,
): Optimizer {
  switch (settings.name) {
    case 'adamw':
      return createAdamW(variables, settings);
    case 'storm':
      return createStorm(variables, settings);
  }
}
