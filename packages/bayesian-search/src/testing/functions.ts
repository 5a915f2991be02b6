/** Cheap functions to be maximised, of which everything is known. */
import type { Settings, Space } from '../space';

export interface TestFunction {
  readonly name: string;
  readonly space: Space;
  /** Without noise. */
  readonly gain: (settings: Settings) => number;
  /** The standard deviation of the noise that is added: about a tenth of the function's own. */
  readonly noise: number;
  /** Of the gain. */
  readonly maximum: number;
}

const numbersOf = (settings: Settings, keys: readonly string[]) =>
  keys.map((key) => Number(settings[key]));

/** Branin and Hoo 1972, its sign changed: three tops, a strong interaction. */
export const branin: TestFunction = {
  name: 'Branin',
  space: {
    x1: { scale: 'linear', min: -5, max: 10 },
    x2: { scale: 'linear', min: 0, max: 15 },
  },
  gain(settings) {
    const [x1 = 0, x2 = 0] = numbersOf(settings, ['x1', 'x2']);
    const valley = x2 - (5.1 / (4 * Math.PI ** 2)) * x1 ** 2 + (5 / Math.PI) * x1 - 6;
    return -(valley ** 2 + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x1) + 10);
  },
  noise: 5,
  maximum: -0.39788735772973816,
};

const HARTMANN = {
  weights: [1, 1.2, 3, 3.2],
  sharpness: [
    [3, 10, 30],
    [0.1, 10, 35],
    [3, 10, 30],
    [0.1, 10, 35],
  ],
  centres: [
    [0.3689, 0.117, 0.2673],
    [0.4699, 0.4387, 0.747],
    [0.1091, 0.8732, 0.5547],
    [0.0381, 0.5743, 0.8828],
  ],
};

/** Hartmann 1973 in three dimensions, its sign changed: four bumps. */
export const hartmann: TestFunction = {
  name: 'Hartmann-3',
  space: {
    x1: { scale: 'linear', min: 0, max: 1 },
    x2: { scale: 'linear', min: 0, max: 1 },
    x3: { scale: 'linear', min: 0, max: 1 },
  },
  gain(settings) {
    const x = numbersOf(settings, ['x1', 'x2', 'x3']);
    return HARTMANN.weights.reduce((sum, weight, bump) => {
      const away = x.map(
        (value, axis) =>
          HARTMANN.sharpness[bump]![axis]! * (value - HARTMANN.centres[bump]![axis]!) ** 2,
      );
      return sum + weight * Math.exp(-away.reduce((total, part) => total + part, 0));
    }, 0);
  },
  noise: 0.1,
  maximum: 3.8627797873326624,
};

/** What each key of `tuning` adds. */
export const tuningParts = {
  /** A learning rate with a best value, and none at all above. */
  rate: (rate: number) => 0.12 * Math.exp(-0.5 * ((Math.log10(rate) + 3.2) / 0.5) ** 2),
  k: (k: number) => 0.02 * Math.log2(k),
  weight: (weight: number) => -0.08 * weight ** 2,
  method: (method: string) => ({ loop: 0.02, ppo: 0, grpo: -0.02 })[method] ?? NaN,
};

/** As a run's gain may depend on its settings; additive, so that its curves are its parts. */
export const tuning: TestFunction = {
  name: 'tuning',
  space: {
    rate: { scale: 'log', min: 1e-5, max: 1e-2 },
    k: { scale: 'power-of-two', min: 2, max: 16 },
    weight: { scale: 'linear', min: 0, max: 1 },
    method: { scale: 'choice', values: ['loop', 'ppo', 'grpo'] },
  },
  gain: ({ rate, k, weight, method }) =>
    tuningParts.rate(Number(rate)) +
    tuningParts.k(Number(k)) +
    tuningParts.weight(Number(weight)) +
    tuningParts.method(String(method)),
  noise: 0.005,
  maximum: 0.12 + 0.08 + 0.02,
};
