/** Runs that draw nothing, for the tests of what carries out many. */
import type { Core } from '../command-line/core';
import { runCommandLine } from '../command-line/run-command-line';
import type { TrainConfig } from '../configuration/schema';
import type { LaunchRun } from '../study/launch-run';
import { captureOutput } from './captured-output';
import { exampleEvaluation, exampleIteration, exampleSummary } from './example-run';
import { nothingDrawn } from './nothing-drawn';

export interface FakeRuns {
  /** Folders of runs whose process is killed once. */
  readonly dying?: readonly string[];
  /** Whether a run fails whenever it is tried. */
  readonly fails?: (config: TrainConfig) => boolean;
  /** Rewards of an evaluation. @param trained whether it is the one at the end */
  readonly rewards: (config: TrainConfig, trained: boolean) => number[];
}

/** @returns what launches them, with the arguments that it was given so far */
export function fakeRuns({ dying = [], fails = () => false, rewards }: FakeRuns): {
  readonly launch: LaunchRun;
  readonly loadCore: () => Promise<Core>;
  readonly launched: string[][];
} {
  const left = new Set(dying);
  const launched: string[][] = [];
  const notExpected = () => Promise.reject(new Error('not expected'));
  const core: Core = {
    async train(config, recorder, _signal, from) {
      if (fails(config)) throw new Error('The reward is out of order');
      const evaluation = (name: string, trained: boolean) => {
        const given = rewards(config, trained);
        const mean = given.reduce((sum, reward) => sum + reward, 0) / given.length;
        return {
          ...exampleEvaluation(name, mean),
          rewards: given,
          count: given.length,
          families: {},
        };
      };
      if ((from?.evaluations ?? []).length === 0)
        await recorder.evaluation(evaluation('before', false));
      for (let iteration = 1; iteration <= config.iterations; iteration += 1) {
        if (iteration === 2 && left.delete(config.output)) throw new Error('Killed');
        await recorder.iteration(exampleIteration(iteration), nothingDrawn);
      }
      await recorder.evaluation(evaluation('after', true));
      const { iterations } = config;
      const summary = { ...exampleSummary(), iterations, interrupted: false };
      await recorder.finish(summary);
      return summary;
    },
    ...{ sampleImages: notExpected, evaluateModel: notExpected, measureBatches: notExpected },
    gradientVariance: notExpected,
  };
  const loadCore = () => Promise.resolve(core);
  return {
    launched,
    loadCore,
    launch: async (args, { onEvent }) => {
      launched.push([...args]);
      const own = captureOutput();
      const code = await runCommandLine([...args, '--json', '--quiet'], { output: own, loadCore });
      for (const line of own.outText().split('\n').filter(Boolean)) {
        onEvent(JSON.parse(line) as { event: string });
      }
      return { code, said: own.errorText() };
    },
  };
}
