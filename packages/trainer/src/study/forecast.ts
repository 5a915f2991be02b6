/** What of a study is left to carry out, and how long it may take. */
import { outcomeOf } from './outcome';
import type { PlannedRun } from './plan-run';
import type { StudyPlan } from './plan-study';
import type { RunState } from './run-state';

export type States = ReadonlyMap<PlannedRun, RunState>;

export interface RunForecast {
  readonly variant: string;
  readonly seed: number;
  readonly iterations: number;
  readonly images: number;
  readonly done: number;
  /** Of what is left, where a run has told how long an image takes. */
  readonly seconds: number | undefined;
}

export function forecast({ runs }: StudyPlan, states: States): RunForecast[] {
  const pace = paceOf(states);
  return runs.map((run): RunForecast => {
    const { iterations, batch, algorithm, evaluate } = run.config;
    const state = states.get(run) ?? { state: 'missing' };
    const done =
      state.state === 'done' ? iterations : state.state === 'begun' ? state.iterations : 0;
    const each = batch.prompts * algorithm.k;
    const seconds = pace(run.variant);
    const left = state.state === 'done' ? 0 : (iterations - done) * each;
    const evaluated = state.state === 'done' ? 0 : 2 * evaluate.images;
    return {
      ...{ variant: run.variant, seed: run.seed, iterations, images: iterations * each, done },
      seconds: seconds === undefined ? undefined : seconds * (left + EVALUATION * evaluated),
    };
  });
}

/** What drawing and scoring an image takes of what training on it does, about. */
const EVALUATION = 1 / 3;

/** Seconds of training an image, of the same variant or else of all. */
function paceOf(states: States): (variant: string) => number | undefined {
  const done = [...states].flatMap(([run, state]) =>
    state.state === 'done' ? [outcomeOf({ run, recorded: state.recorded })] : [],
  );
  const mean = (of: typeof done): number | undefined => {
    const images = of.reduce((sum, { total }) => sum + total.images, 0);
    return images === 0
      ? undefined
      : of.reduce((sum, { total }) => sum + total.seconds, 0) / images;
  };
  return (variant) => mean(done.filter((one) => one.variant === variant)) ?? mean(done);
}
