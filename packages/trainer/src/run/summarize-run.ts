import * as tf from '@tensorflow/tfjs-core';

import { version } from '../../package.json';
import type { RunSummary } from '../run-folder/records';
import { pairedGain } from '../statistics';
import type { RunEvaluator } from './evaluator';
import type { PhaseClock } from './phase-clock';
import type { Run } from './run';

export function summarizeRun(
  run: Run,
  facts: {
    readonly iterations: number;
    readonly evaluator: RunEvaluator;
    readonly clock: PhaseClock;
    readonly interrupted: boolean;
    readonly stopped: string | undefined;
  },
): RunSummary {
  const { before, after, best } = facts.evaluator.records;
  const { backend } = run;
  return {
    iterations: facts.iterations,
    evaluation: {
      before,
      after,
      gain: before && after && pairedGain(before.rewards, after.rewards),
      best: best.before && {
        before: best.before,
        after: best.after,
        gain: best.after && pairedGain(best.before.rewards, best.after.rewards),
      },
    },
    seconds: facts.clock.totals(),
    versions: {
      'loop-diffusion': version,
      tfjs: tf.version_core,
      [backend.name]: backend.version,
      node: process.version,
    },
    backend: backend.name,
    cutOffPrompts: run.cutOff,
    interrupted: facts.interrupted,
    stopped: facts.stopped,
  };
}
