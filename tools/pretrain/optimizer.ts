import * as tf from '@tensorflow/tfjs-core';

/** One weight with what Adam remembers of it, on the host. */
export interface Parameter {
  readonly shape: readonly number[];
  readonly weight: Float32Array;
  readonly firstMoment: Float32Array;
  readonly secondMoment: Float32Array;
  /** Running average of the weight: what is sampled from and exported. */
  readonly average: Float32Array;
}

export type TensorRecord = Record<string, tf.Tensor>;
export type Parameters = Readonly<Record<string, Parameter>>;

export interface AdamStep {
  readonly learningRate: number;
  /** 1 for the first update. */
  readonly step: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** The share of the running average that stays. */
  readonly averageDecay: number;
}

/** Fresh moments for these weights; the average starts as a copy. Frees the tensors. */
export function startParameters(weights: TensorRecord): Parameters {
  const parameters = Object.fromEntries(
    Object.entries(weights).map(([key, tensor]) => {
      const weight = Float32Array.from(tensor.dataSync<'float32'>());
      return [
        key,
        {
          shape: tensor.shape,
          weight,
          firstMoment: new Float32Array(weight.length),
          secondMoment: new Float32Array(weight.length),
          average: weight.slice(),
        },
      ];
    }),
  );
  tf.dispose(weights);
  return parameters;
}

/** The weights, or their running averages, as tensors that the caller disposes. */
export function parameterTensors(
  parameters: Parameters,
  which: 'weight' | 'average',
): TensorRecord {
  return Object.fromEntries(
    Object.entries(parameters).map(([key, parameter]) => [
      key,
      // A copy: the arrays change in place at the next update.
      tf.tensor(parameter[which].slice(), [...parameter.shape], 'float32'),
    ]),
  );
}

/**
 * One update of Adam in place (Kingma & Ba 2015, arXiv:1412.6980, algorithm 1), and of the running average.
 *
 * On the host, because an update is a dozen operations on each of some hundred small tensors: dispatching them takes
 * longer than this loop over all values.
 *
 * @param gradient of all parameters, one after the other
 */
export function applyAdam(parameters: Parameters, gradient: Float32Array, options: AdamStep): void {
  const { step, beta1, beta2, epsilon } = options;
  const rate = options.learningRate / (1 - beta1 ** step);
  const correction2 = 1 / (1 - beta2 ** step);
  const averageRest = 1 - options.averageDecay;
  let position = 0;
  for (const { weight, firstMoment, secondMoment, average } of Object.values(parameters)) {
    for (let i = 0; i < weight.length; i++) {
      const g = gradient[position++] as number;
      const m = beta1 * (firstMoment[i] as number) + (1 - beta1) * g;
      const v = beta2 * (secondMoment[i] as number) + (1 - beta2) * g * g;
      const w = (weight[i] as number) - (rate * m) / (Math.sqrt(v * correction2) + epsilon);
      firstMoment[i] = m;
      secondMoment[i] = v;
      weight[i] = w;
      average[i] = (average[i] as number) + averageRest * (w - (average[i] as number));
    }
  }
}

/** Loss of a function of named weights at the parameters' present values, and its gradient, one parameter after the other. */
export function lossAndGradient(
  parameters: Parameters,
  loss: (weights: TensorRecord) => tf.Scalar,
): { loss: number; gradient: Float32Array } {
  const keys = Object.keys(parameters);
  const weights = parameterTensors(parameters, 'weight');
  const { value, grads } = tf.valueAndGrads((...tensors: tf.Tensor[]) =>
    loss(Object.fromEntries(keys.map((key, i) => [key, tensors[i] as tf.Tensor]))),
  )(keys.map((key) => weights[key] as tf.Tensor));
  const gradient = new Float32Array(grads.reduce((sum, { size }) => sum + size, 0));
  let position = 0;
  for (const tensor of grads) {
    gradient.set(tensor.dataSync<'float32'>(), position);
    position += tensor.size;
  }
  const lossValue = value.dataSync()[0] ?? Number.NaN;
  tf.dispose([value, weights, grads]);
  if (!Number.isFinite(lossValue)) throw new Error(`the loss is ${String(lossValue)}`);
  return { loss: lossValue, gradient };
}

/** Linear warm-up, then the peak, then a cosine to 2 % of it over the last `decayShare` of the images. */
export function learningRateAt(
  imagesSeen: number,
  plan: { peak: number; totalImages: number; warmupImages: number; decayShare: number },
): number {
  const warmup = Math.min(1, (imagesSeen + 1) / plan.warmupImages);
  const decayStart = plan.totalImages * (1 - plan.decayShare);
  const progress = (imagesSeen - decayStart) / (plan.totalImages - decayStart);
  const decay = progress <= 0 ? 1 : 0.5 + 0.5 * Math.cos(Math.PI * Math.min(1, progress));
  return plan.peak * warmup * (0.02 + 0.98 * decay);
}
