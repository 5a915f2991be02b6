import type { RunHistory } from '../run-folder/run-history';
import { exampleEvaluation, exampleIteration } from '../testing/example-run';
import { compareRuns } from './compare-runs';
import type { RecordedRun } from './read-run';

function run(history: Partial<RunHistory>, more: Partial<RecordedRun> = {}): RecordedRun {
  return {
    folder: 'runs/one',
    config: {},
    history: { iterations: [], evaluations: [], ...history },
    summary: undefined,
    ...more,
  };
}

function iterations(rewards: readonly number[]): RunHistory['iterations'] {
  return rewards.map((mean, index) => ({
    ...exampleIteration(index + 1),
    reward: { mean, std: 0.1 },
    seconds: { text: 0, rollout: 1, decode: 0.5, reward: 0, update: 2 },
  }));
}

function figures(recorded: RecordedRun) {
  const [first] = compareRuns([recorded]).runs;
  if (first === undefined) throw new Error('There are no figures.');
  return first;
}

test('smoothed rewards are means of ten iterations, and the best is no lucky single one', () => {
  const rewards = [9, ...new Array<number>(9).fill(0), ...new Array<number>(10).fill(0.5), 0];
  const { reward } = figures(run({ iterations: iterations(rewards) }));
  expect(reward.best).toBeCloseTo(0.9);
  expect(reward.final).toBeCloseTo(0.45);
});

test('a short run is smoothed over what there is', () => {
  expect(figures(run({ iterations: iterations([1, 3]) })).reward).toEqual({ final: 2, best: 2 });
});

test('a run without iterations has no reward', () => {
  const evaluations = [{ iteration: 0, record: exampleEvaluation('before', 0.6) }];
  const found = figures(run({ evaluations }));
  expect(found).toMatchObject({ iterations: 0, images: 0, reward: { final: NaN, best: NaN } });
  expect(found.evaluation).toEqual({
    trainedOn: false,
    before: { iteration: 0, mean: 0.6, standardError: 0.016, count: 256 },
  });
});

test('the gain is that of the paired rewards of the first and last own evaluation', () => {
  const before = { ...exampleEvaluation('before', 0.2), rewards: [0.1, 0.3, 0.9, NaN] };
  const after = { ...exampleEvaluation('iteration-7', 0.4), rewards: [0.2, 0.6, NaN, 0.5] };
  const evaluations = [
    { iteration: 0, record: before },
    { iteration: 0, record: exampleEvaluation('best-before', 0.9, 2) },
    { iteration: 7, record: after },
  ];
  const { evaluation } = figures(run({ evaluations }));
  expect(evaluation.after).toMatchObject({ iteration: 7, mean: 0.4 });
  // A failure on one side leaves the image out of both. The differences are 0.1 and 0.3: mean 0.2, s = 0.1 · √2, s / √2 = 0.1.
  expect(evaluation.gain?.mean).toBeCloseTo(0.2, 12);
  expect(evaluation.gain?.standardError).toBeCloseTo(0.1, 12);
});

test.each([
  ['other settings', exampleEvaluation('after', 0.8, 3)],
  ['other prompts', { ...exampleEvaluation('after', 0.8), rewards: [1] }],
  ['rewards that all failed', { ...exampleEvaluation('after', 0.8), rewards: [NaN, NaN] }],
])('%s leave no paired gain', (_, record) => {
  const evaluations = [
    { iteration: 0, record: exampleEvaluation('before', 0.6) },
    { iteration: 5, record },
  ];
  expect(figures(run({ evaluations })).evaluation.gain).toBeUndefined();
});

test('seconds are those of the iterations that count, and of the rest from the summary', () => {
  const seconds = { rollout: 99, 'evaluation before': 3, 'evaluation after': 4, samples: 1 };
  const found = figures(
    run({ iterations: iterations([1, 2]) }, { summary: { seconds, interrupted: true } }),
  );
  expect(found.state).toBe('interrupted');
  expect(found.seconds).toEqual({
    total: 15,
    byPhase: {
      ...{ text: 0, rollout: 2, decode: 1, reward: 0, update: 4 },
      ...{ evaluation: 7, samples: 1 },
    },
  });
});

test('images are added up and keys compared', () => {
  const comparison = compareRuns([
    run({ iterations: iterations([1, 2, 3]) }, { config: { seed: 1 } }),
    run({}, { folder: 'runs/two', config: { seed: 2 } }),
  ]);
  expect(comparison.runs.map(({ name, images }) => [name, images])).toEqual([
    ['one', 192],
    ['two', 0],
  ]);
  expect(comparison.configuration).toEqual([{ key: 'seed', values: [1, 2] }]);
});

test('runs with other rewards or prompts are said not to compare', () => {
  const config = { prompts: 'a.txt', rewards: [{ name: 'x', weight: 1 }], seed: 1 };
  const other = { prompts: 'b.txt', rewards: [{ name: 'y', weight: 1 }], seed: 1 };
  const compare = (second: object) =>
    compareRuns([
      run({}, { config }),
      run({}, { folder: 'runs/two', config: { ...config, ...second } }),
    ]);
  expect(compare({ seed: 2 }).notes).toEqual([]);
  expect(compare(other).notes).toEqual([
    'These runs have different rewards, whose values are not on one scale.',
    'These runs have different prompts, some of which may be easier than others.',
  ]);
  expect(compare(other).configuration.map(({ key }) => key)).toEqual(['prompts', 'rewards.0.name']);
});

test('a run that was evaluated on what it was trained on is told from others', () => {
  const trained = { ...exampleEvaluation('before', 0.6), trainedOn: true };
  const evaluations = [{ iteration: 0, record: trained }];
  expect(figures(run({ evaluations })).evaluation.trainedOn).toBe(true);
});
