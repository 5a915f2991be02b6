/** A run that never was, for the tests of what draws and prints runs. */
import type { EvaluationRecord, IterationRecord, RunSummary } from '../run-folder/records';
import type { RunHistory } from '../run-folder/run-history';

export function exampleIteration(iteration: number): IterationRecord {
  // Waves stand in for noise: the same in every test.
  const wave = Math.sin(iteration * 1.7) + Math.sin(iteration * 0.6);
  const ratioStd = 4e-4 * (1 + 0.2 * wave);
  return {
    iteration,
    reward: { mean: 0.65 + 0.1 * (1 - Math.exp(-iteration / 40)) + 0.02 * wave, std: 0.2 },
    rewards: [0.4, 0.9, Number.NaN, 0.65],
    zeroVarianceGroups: 2,
    groups: 16,
    diversity: 0.2 + 0.02 * wave,
    quality: {
      sharpness: 400 + 20 * wave,
      colourfulness: 40 + wave,
      saturation: 0.4,
      clipped: 0.1,
      jpegBytesPerPixel: 0.5,
    },
    atCeiling: 0.1,
    ratio: { mean: 1, std: ratioStd, maxDeviation: 6 * ratioStd },
    ratioPerTimestep: [901, 601, 301].map((timestep, index) => ({
      timestep,
      mean: 1,
      std: ratioStd * (0.6 + 0.5 * index),
      clipFraction: 0.05 * index,
      histogram: { minimum: 1 - 2 * ratioStd, maximum: 1 + 2 * ratioStd, counts: [1, 4, 6, 3] },
    })),
    clips: true,
    clipFraction: 0.1 + 0.03 * wave,
    clipRange: 8e-4,
    approxKl: ratioStd ** 2 / 2,
    klReference: 1e-6 * iteration,
    klWeight: 0.1,
    measures: { masked: 0.1 },
    loss: -1e-4,
    gradientNorm: 0.4 + 0.1 * wave,
    learningRate: 2e-3 * (1 - iteration / 200),
    seconds: { text: 0.1, rollout: 1.5, decode: 0.4 + 0.05 * wave, reward: 0.2, update: 2.6 },
    images: 64,
    passes: { forward: 640, gradient: 512 },
    tensors: 420,
    memoryBytes: 9e8,
    failedRewards: 0,
    notApplicable: 0,
    failures: [],
    skippedUpdates: 0,
  };
}

export function exampleEvaluation(name: string, mean: number, guidance = 1): EvaluationRecord {
  const standardError = 0.016;
  const families = Object.fromEntries(
    ['colour', 'shape', 'texture', 'spatial', 'numeracy'].map((family, index) => [
      family,
      { mean: mean + 0.1 - 0.05 * index, standardError: 0.03, count: 51 },
    ]),
  );
  const settings = { steps: 10, eta: 1, guidance };
  const components = {
    shapes: { mean, standardError },
    'jpeg-compressibility': { mean: -2.5, standardError: 0.02 },
  };
  return {
    name,
    mean,
    standardError,
    count: 256,
    failed: 0,
    notApplicable: 0,
    failures: [],
    families,
    rewards: [0.1, 0.9],
    components,
    settings,
  };
}

export function exampleHistory(iterations: number): RunHistory {
  return {
    iterations: Array.from({ length: iterations }, (_, index) => exampleIteration(index + 1)),
    evaluations: [
      { iteration: 0, record: exampleEvaluation('before', 0.652) },
      { iteration: 0, record: exampleEvaluation('best-before', 0.79, 2) },
      { iteration: Math.floor(iterations / 2), record: exampleEvaluation('iteration-75', 0.74) },
      { iteration: iterations, record: exampleEvaluation('after', 0.8) },
    ],
  };
}

export function exampleSummary(): RunSummary {
  return {
    iterations: 150,
    evaluation: {
      before: exampleEvaluation('before', 0.652),
      after: exampleEvaluation('after', 0.804),
      gain: { mean: 0.152, standardError: 0.018, count: 256 },
      best: {
        before: exampleEvaluation('best-before', 0.795, 2),
        after: exampleEvaluation('best-after', 0.831, 1.5),
        gain: { mean: 0.036, standardError: 0.011, count: 256 },
      },
    },
    seconds: { rollout: 225, update: 390 },
    versions: { trainer: '0.1.0' },
    backend: 'tensorflow',
    interrupted: false,
  };
}
