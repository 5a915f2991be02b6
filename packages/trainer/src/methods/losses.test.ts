/** What each method makes of rewards, and its loss, on a few rows with the numbers of its formula. */
import * as tf from '@tensorflow/tfjs-core';

import { methodNamed, type MethodName } from './index';
import type {
  DenoisingObjective,
  DenoisingRows,
  Objective,
  RowLosses,
  TrajectoryObjective,
  TrajectoryRows,
} from './method';

const NONE = Number.NaN;
const context = { clipRange: 0.2, latentSize: 256 };

function objectiveOf(name: MethodName, settings: object = {}): Objective {
  const method = methodNamed(name)!;
  return method.objective(method.settings?.parse(settings) ?? {});
}

function advantagesOf(objective: Objective, rewards: number[][]): number[][] {
  const { advantages } = objective;
  const estimate = typeof advantages === 'function' ? advantages : advantages.estimate;
  const mask = rewards.map((row) => row.map((reward) => !Number.isNaN(reward)));
  return estimate({ prompts: rewards.map((_, prompt) => `${prompt}`), rewards, mask });
}

/** Latents of one number, σ 1: log p is −½ (x − μ)² but for its constant. */
function trajectoryRows(logRatios: number[], advantages: number[]): TrajectoryRows {
  const logProb = tf.tensor1d(logRatios);
  const latents = tf.reshape<tf.Rank.R4>(tf.zerosLike(logProb), [-1, 1, 1, 1]);
  const ones = tf.onesLike(logProb);
  return {
    ...{ logProb, oldLogProb: tf.zerosLike(logProb), advantages: tf.tensor1d(advantages) },
    ...{ mean: tf.add(latents, 1), previousSample: latents, sigma: ones, outputScale: ones },
    oldMean: latents,
    base: { mean: latents, logProb: tf.zerosLike(logProb) },
  };
}

function lossesOf(objective: Objective, rows: TrajectoryRows | DenoisingRows): number[] {
  const loss = objective.loss as (given: unknown, with_: unknown) => tf.Tensor1D | RowLosses;
  const given = loss(rows, context);
  return [...(given instanceof tf.Tensor ? given : given.loss).dataSync()];
}

/** Slopes in log p_θ. */
function slopesOf(objective: TrajectoryObjective, rows: TrajectoryRows): number[] {
  const slope = tf.grad((logProb) => {
    const given = objective.loss({ ...rows, logProb: logProb as tf.Tensor1D }, context);
    return tf.sum(given instanceof tf.Tensor ? given : given.loss);
  });
  return [...slope(rows.logProb).dataSync()];
}

/** Sums of a few float32 numbers of size 1. */
function close(given: readonly number[], expected: readonly number[]): void {
  expect(given).toHaveLength(expected.length);
  for (const [row, value] of given.entries()) expect(value).toBeCloseTo(expected[row]!, 5);
}

test.each<[MethodName, object, number[]]>([
  ['loop', {}, [-0.4, 0, 0.533333, -0.133333]],
  ['rloo', {}, [-0.4, 0, 0.533333, -0.133333]],
  ['reinforce', {}, [0.2, 0.5, 0.9, 0.4]],
  // Population deviation 0.254951 of the prompt.
  ['grpo', {}, [-1.176238, 0, 1.568317, -0.392079]],
  ['grpo', { std: 'none' }, [-0.3, 0, 0.4, -0.1]],
  ['ilbo', {}, [0, 0.3, 0.7, 0.2]],
  ['asft', {}, [-1, NONE, 1, NONE]],
  ['dpo', {}, [-1, NONE, 1, NONE]],
  ['rpo', {}, [-1, NONE, 1, NONE]],
  ['qvpo', {}, [NONE, NONE, 0.533333, NONE]],
  ['qvpo', { weights: 'exponential', chosen: 'all' }, [0.308295, 1, 4.801503, 0.675547]],
  ['rwr', { temperature: 5 }, [0.096816, 0.4339, 3.20611, 0.263174]],
])('%s %j makes of rewards', (name, settings, expected) => {
  const [row] = advantagesOf(objectiveOf(name, settings), [[0.2, 0.5, 0.9, 0.4]]);
  close(
    row!.map((value) => (Number.isNaN(value) ? -99 : value)),
    expected.map((value) => (Number.isNaN(value) ? -99 : value)),
  );
});

test('a mean over prompts makes nft, awm and grpo see spreads of other prompts', () => {
  const rewards = [
    [0, 1],
    [0.4, 0.6],
  ];
  const deviation = Math.sqrt((0.25 + 0.25 + 0.01 + 0.01) / 4) + 1e-4;
  for (const objective of [objectiveOf('nft'), objectiveOf('grpo', { std: 'batch' })]) {
    expect(objective.withinPrompts).toBe(false);
    close(
      advantagesOf(objective, rewards).flat(),
      [-0.5, 0.5, -0.1, 0.1].map((value) => value / deviation),
    );
  }
  close(advantagesOf(objectiveOf('awm', { largestAdvantage: 1 }), rewards).flat(), [
    -1,
    1,
    -0.1 / deviation,
    0.1 / deviation,
  ]);
});

test("reinforce's baseline is the mean of all the other images", () => {
  const objective = objectiveOf('reinforce', { baseline: 'batch' });
  const rewards = [
    [0, 1],
    [0.4, 0.6],
  ];
  close(advantagesOf(objective, rewards).flat(), [-2 / 3, 2 / 3, -0.4 / 3, 0.4 / 3]);
});

test('apa measures advantages by their running size', () => {
  const objective = objectiveOf('apa');
  // Leave-one-out ±1, whose root mean square is 1; then ±2, of 0.9/1.9 · 1 + 1/1.9 · 4 by its square.
  close(advantagesOf(objective, [[0, 1]]).flat(), [-1, 1]);
  const scale = Math.sqrt((0.09 + 0.4) / (0.09 + 0.1));
  close(advantagesOf(objective, [[0, 2]]).flat(), [-2 / scale, 2 / scale]);
});

describe('on steps', () => {
  const log = Math.log;
  test.each<[MethodName, object, number[], number[], number[], number[]]>([
    // log-ratios, advantages; losses, slopes in log p
    ['loop', {}, [log(1.1), log(0.7), log(1.6)], [1, -1, 2], [-1.1, 0.8, -2.4], [-1.1, 0, 0]],
    ['ppo', {}, [log(1.1), log(0.7), log(1.6)], [1, -1, 2], [-1.1, 0.8, -2.4], [-1.1, 0, 0]],
    ['grpo', {}, [log(1.1), log(0.7), log(1.6)], [1, -1, 2], [-1.1, 0.8, -2.4], [-1.1, 0, 0]],
    ['rloo', {}, [0.1, -0.2], [1, -2], [-0.1, -0.4], [-1, 2]],
    ['reinforce', {}, [0.1, -0.2], [1, 2], [-0.1, 0.4], [-1, -2]],
    // (λ/2) (Δ − A/λ)², slopes −A + λ Δ
    ['apa', { lambda: 10 }, [0.1, -0.2, 0], [2, 0, -1], [0.05, 0.2, 0.05], [-1, -2, 1]],
    ['ilbo', {}, [0.1, 0.3], [0.5, 0], [-0.05, 0], [-0.5, 0]],
  ])('%s', (name, settings, logRatios, advantages, losses, slopes) => {
    const objective = objectiveOf(name, settings) as TrajectoryObjective;
    const rows = trajectoryRows(logRatios, advantages);
    close(lossesOf(objective, rows), losses);
    close(slopesOf(objective, rows), slopes);
  });

  test('asft makes the best likelier and the worst less', () => {
    // p = e^{−½} in both rows: −2 log p and −log(1 − p), twice for the mean over pairs.
    const objective = objectiveOf('asft') as TrajectoryObjective;
    const rows = trajectoryRows([0, 0], [1, -1]);
    const p = Math.exp(-0.5);
    close(lossesOf(objective, rows), [2, -2 * log(1 - p)]);
    const odds = objectiveOf('asft', { score: 'reference', beta: 1 }) as TrajectoryObjective;
    const [winner, loser] = slopesOf(odds, trajectoryRows([0.2, -0.4], [1, -1]));
    // −w − λ σ(−o_w) and λ σ(o_l), twice.
    close([winner!, loser!], [2 * (-1 - 0.450166), 2 * 0.401312]);
  });

  test('dpo and rpo on steps compare log-ratios, and rpo imitates too', () => {
    const rows = trajectoryRows([0.2, -0.4], [1, -1]);
    const margin = 0.1 * 0.6;
    const preference = log(1 + Math.exp(-margin));
    const slope = 0.1 / (1 + Math.exp(margin));
    const settings = { form: 'steps', beta: 0.1 };
    const dpo = objectiveOf('dpo', settings) as TrajectoryObjective;
    close(lossesOf(dpo, rows), [preference]);
    close(slopesOf(dpo, rows), [-slope, slope]);
    const rpo = objectiveOf('rpo', { ...settings, sftWeight: 0.5 }) as TrajectoryObjective;
    close(lossesOf(rpo, rows), [preference - 0.5 * 0.1 * 0.2]);
    close(slopesOf(rpo, rows), [-slope - 0.05, slope]);
    // By default a hundredth of the preference's slope where training begins.
    const byDefault = objectiveOf('rpo', settings) as TrajectoryObjective;
    const [first, second] = slopesOf(byDefault, trajectoryRows([0, 0], [1, -1]));
    expect((first! + second!) / second!).toBeCloseTo(-0.01, 5);
  });

  test('grpo with a mask leaves out what moved too far the way it should', () => {
    const objective = objectiveOf('grpo', { ratio: 'mask', divergence: 0.5 });
    // Every mean has moved by σ: a divergence of ½, at the bound.
    const rows = trajectoryRows([log(1.1), log(1.1), log(0.9)], [1, -1, -2]);
    close(lossesOf(objective, rows), [0, 1.1, 0]);
  });

  test('grpo with a guard has a ratio without drift', () => {
    const objective = objectiveOf('grpo', { ratio: 'guard' });
    // ρ′ = exp(σ (Δ + ½)), Δμ being 1.
    const rows = trajectoryRows([-0.5, -0.4, -0.2], [1, 1, 1]);
    close(lossesOf(objective, rows), [-1, -Math.exp(0.1), -1.2]);
    // exp(−0.5) alone would be beyond the clip as well, and exp(−0.2) would not.
    const given = (objective as TrajectoryObjective).loss(rows, context) as RowLosses;
    expect([...given.clipped!.dataSync()]).toEqual([0, 0, 1]);
  });
});

/** Images of one number; the network predicts noise. */
function denoisingRows(output: number[], target: number[], advantages: number[]): DenoisingRows {
  const latents = (values: number[]): tf.Tensor4D => tf.tensor4d(values, [values.length, 1, 1, 1]);
  const errors = output.map((value, row) => (value - target[row]!) ** 2);
  const zeros = output.map(() => 0);
  const other = { output: latents(zeros), error: tf.tensor1d(target.map((value) => value ** 2)) };
  return {
    ...{ output: latents(output), error: tf.tensor1d(errors), target: latents(target) },
    ...{ advantages: tf.tensor1d(advantages), original: latents(target), noised: latents(zeros) },
    noiseLevel: tf.tensor1d(output.map(() => 0.5)),
    originalOf: (given) => given,
    ...{ base: other, average: other },
  };
}

describe('on images', () => {
  test('rwr and qvpo weigh errors', () => {
    const rows = denoisingRows([0.5, 1], [0, 0], [2, 0.5]);
    for (const name of ['rwr', 'qvpo'] as const) {
      close(lossesOf(objectiveOf(name), rows), [0.5, 0.5]);
    }
  });

  test('qvpo lets what joins its images count less and less, down to a part of it', () => {
    const weightsOf = (settings: object) => {
      const { extra } = objectiveOf('qvpo', settings) as DenoisingObjective;
      return [0, 0.5, 0.9, 0.99].map((done) => extra!.weight(done));
    };
    close(weightsOf({ entropyWeight: 0.02 }), [0.02, 0.01, 0.002, 0.002]);
    close(weightsOf({ entropyWeight: 0.02, finalEntropyFraction: 1 }), [0.02, 0.02, 0.02, 0.02]);
  });

  test('dpo compares improvements over the base, and rpo adds the better error', () => {
    // ℓ 0.04 and 0.49, of the base 0.09 and 0.36: the better image is denoised better, the worse one worse.
    const rows = denoisingRows([0.1, -0.1], [0.3, 0.6], [1, -1]);
    const inner = -0.5 * 2 * (0.04 - 0.09 - (0.49 - 0.36));
    const preference = Math.log(1 + Math.exp(-inner));
    close(lossesOf(objectiveOf('dpo', { beta: 2 }), rows), [preference]);
    close(lossesOf(objectiveOf('rpo', { beta: 2, sftWeight: 3 }), rows), [preference + 0.12]);
    close(lossesOf(objectiveOf('rpo', { beta: 2 }), rows), [preference + 0.005 * 0.04]);
  });

  test('nft pulls towards good images and away from bad ones', () => {
    const objective = objectiveOf('nft', { beta: 0.5, baseWeight: 0 }) as DenoisingObjective;
    const slopeAt = (advantage: number): number => {
      const rows = denoisingRows([0], [1], [advantage]);
      const slope = tf.grad((output) => {
        const given = objective.loss(
          { ...rows, output: output as tf.Tensor4D, base: undefined },
          context,
        );
        return tf.sum(given as tf.Tensor1D);
      });
      return slope(rows.output).dataSync()[0]!;
    };
    // At the old policy, x̂_old = 0 and x_0 = 1: −2 (2r − 1) · 5 with n = 1.
    close([slopeAt(5), slopeAt(0), slopeAt(-5), slopeAt(2.5)], [-10, 0, 10, -5]);
    const held = objectiveOf('nft', { baseWeight: 2 });
    const free = objectiveOf('nft', { baseWeight: 0 });
    const rows = denoisingRows([0.5], [1], [0]);
    const [pulled, alone] = [lossesOf(held, rows), lossesOf(free, { ...rows, base: undefined })];
    close([pulled[0]! - alone[0]!], [2 * 0.25]);
    expect([held.base, free.base]).toEqual([true, false]);
  });

  test('awm follows the advantage by the error, and stays near to the average', () => {
    const settings = { averageWeight: 0, baseWeight: 0 };
    // ρ = exp(0.36 − 0.25), above and below.
    const rows = denoisingRows([0.1, 0.1], [0.6, 0.6], [1, -1]);
    const ratio = Math.exp(0.36 - 0.25);
    close(lossesOf(objectiveOf('awm', settings), rows), [-ratio, ratio]);
    close(lossesOf(objectiveOf('awm', { averageWeight: 3, baseWeight: 4 }), rows), [
      -ratio + 0.07,
      ratio + 0.07,
    ]);
  });
});
