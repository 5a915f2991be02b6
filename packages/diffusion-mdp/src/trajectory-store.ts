/** Rollouts kept on the host, until the updates that learn from them ask for rows. */

import * as tf from '@tensorflow/tfjs-core';
import type { DenoiseStep } from './denoise-plan';
import type { ImageShape, Latents, LatentShape } from './latent-shape';

/** One (trajectory, denoise step) pair: what a row of a training batch is. */
export interface TrajectoryRow {
  /** Number of the trajectory in the store. */
  readonly sample: number;
  /** Index into the plan. */
  readonly step: number;
}

/** Training rows as tensors; the caller disposes `sample` and `previousSample`. */
export interface TrajectoryBatch<Shape extends LatentShape = ImageShape> {
  /** x_t, `[rows, …latentShape]` */
  readonly sample: Latents<Shape>;
  /** x_{t−1} as it was drawn and scored, same shape */
  readonly previousSample: Latents<Shape>;
  /** log p_old(x_{t−1} | x_t), `[rows]` */
  readonly oldLogProb: Float32Array;
  /** The plan's step of each row, as `policyMean` takes them. */
  readonly steps: DenoiseStep[];
}

interface StoredTrajectory {
  /** x_T … x_0 one after the other, `[steps + 1, …latentShape]` */
  readonly latents: Float32Array;
  /** `[steps]`, NaN where σ = 0 */
  readonly logProbs: Float32Array;
}

/** Trajectories of one plan and one latent size, held as float32 arrays on the host. */
export class TrajectoryStore<Shape extends LatentShape = ImageShape> {
  readonly plan: readonly DenoiseStep[];
  /** `[height, width, channels]` of images */
  readonly latentShape: Shape;
  readonly #trajectories: StoredTrajectory[] = [];

  /**
   * @param plan from `planDenoiseSteps`
   * @param latentShape of one latent, without the batch: `[height, width, channels]` of images
   */
  constructor(plan: readonly DenoiseStep[], latentShape: readonly [...Shape]) {
    if (plan.length === 0) throw new RangeError('A trajectory needs a plan of at least one step.');
    this.plan = plan;
    this.latentShape = latentShape as unknown as Shape;
  }

  /** Trajectories held. */
  get size(): number {
    return this.#trajectories.length;
  }

  /** Indices of the steps that can be trained on: those with σ > 0. */
  get trainableSteps(): number[] {
    return this.plan.filter(({ sigma }) => sigma > 0).map(({ index }) => index);
  }

  /**
   * Copies a batch of finished trajectories to the host. The tensors stay the caller's.
   *
   * @param latents x_T … x_0: `steps + 1` tensors `[batch, …latentShape]`
   * @param logProbs one `[batch]` per step, undefined where σ = 0
   * @returns number of the first trajectory added; the others follow
   * @throws Error when the count or a shape does not fit the plan, or a value is not finite
   */
  async add(
    latents: readonly Latents<Shape>[],
    logProbs: readonly (tf.Tensor1D | undefined)[],
  ): Promise<number> {
    const steps = this.plan.length;
    if (latents.length !== steps + 1 || logProbs.length !== steps) {
      throw new Error(
        `A plan of ${steps} steps makes ${steps + 1} latents and ${steps} log-probabilities, got ${latents.length} and ` +
          `${logProbs.length}.`,
      );
    }
    const batch = latents[0]?.shape[0] ?? 0;
    const latentHost: Float32Array[] = [];
    for (const [position, latent] of latents.entries()) {
      latentHost.push(await read(latent, [batch, ...this.latentShape], `latents[${position}]`));
    }
    const logProbHost: (Float32Array | undefined)[] = [];
    for (const [position, logProb] of logProbs.entries()) {
      const random = (this.plan[position]?.sigma ?? 0) > 0;
      if (random !== (logProb !== undefined)) {
        throw new Error(
          `logProbs[${position}] must be ${random ? 'a tensor, the step has' : 'undefined, the step has no'} randomness ` +
            `(sigma ${this.plan[position]?.sigma ?? 0}).`,
        );
      }
      logProbHost.push(
        logProb === undefined ? undefined : await read(logProb, [batch], `logProbs[${position}]`),
      );
    }
    const size = this.#latentSize();
    const first = this.size;
    for (let row = 0; row < batch; row += 1) {
      const stored = new Float32Array((steps + 1) * size);
      latentHost.forEach((values, position) => {
        stored.set(values.subarray(row * size, (row + 1) * size), position * size);
      });
      this.#trajectories.push({
        latents: stored,
        logProbs: Float32Array.from(logProbHost, (values) => values?.[row] ?? NaN),
      });
    }
    return first;
  }

  /**
   * Every (trajectory, trainable step) pair, those of one step side by side.
   *
   * @param samples numbers of trajectories; all when left out
   */
  trainingRows(
    samples: readonly number[] = Array.from({ length: this.size }, (_, i) => i),
  ): TrajectoryRow[] {
    return this.trainableSteps.flatMap((step) => samples.map((sample) => ({ sample, step })));
  }

  /**
   * Makes a training batch of chosen rows, in the order given.
   *
   * @throws RangeError when a row is not in the store or its step has σ = 0
   */
  gather(rows: readonly TrajectoryRow[]): TrajectoryBatch<Shape> {
    const size = this.#latentSize();
    const sample = new Float32Array(rows.length * size);
    const previousSample = new Float32Array(rows.length * size);
    const oldLogProb = new Float32Array(rows.length);
    const steps = rows.map((row, position) => {
      const trajectory = this.#at(row.sample);
      const step = this.plan[row.step];
      if (step === undefined || step.sigma === 0) {
        throw new RangeError(
          `Step ${row.step} cannot be trained on, expected one of ${this.trainableSteps.join(', ') || 'none (eta is 0)'}.`,
        );
      }
      const start = row.step * size;
      sample.set(trajectory.latents.subarray(start, start + size), position * size);
      previousSample.set(
        trajectory.latents.subarray(start + size, start + 2 * size),
        position * size,
      );
      oldLogProb[position] = trajectory.logProbs[row.step] ?? NaN;
      return step;
    });
    return {
      sample: this.#tensor(sample, rows.length),
      previousSample: this.#tensor(previousSample, rows.length),
      oldLogProb,
      steps,
    };
  }

  /**
   * x_0 of chosen trajectories, `[samples, …latentShape]`; the caller disposes it.
   *
   * @throws RangeError when a trajectory is not in the store
   */
  finalLatents(samples: readonly number[]): Latents<Shape> {
    const size = this.#latentSize();
    const values = new Float32Array(samples.length * size);
    samples.forEach((sample, position) => {
      values.set(this.#at(sample).latents.subarray(this.plan.length * size), position * size);
    });
    return this.#tensor(values, samples.length);
  }

  /**
   * Log-probabilities of one trajectory as drawn, `[steps]`, NaN where σ = 0.
   *
   * @throws RangeError when the trajectory is not in the store
   */
  logProbs(sample: number): Float32Array {
    return this.#at(sample).logProbs.slice();
  }

  /**
   * Latents of one trajectory, x_T … x_0, `[steps + 1, …latentShape]` row-major.
   *
   * @throws RangeError when the trajectory is not in the store
   */
  latents(sample: number): Float32Array {
    return this.#at(sample).latents.slice();
  }

  /** Forgets all trajectories. */
  clear(): void {
    this.#trajectories.length = 0;
  }

  #latentSize(): number {
    return this.latentShape.reduce((size, length) => size * length, 1);
  }

  #tensor(values: Float32Array, rows: number): Latents<Shape> {
    return tf.tensor(values, [rows, ...this.latentShape]) as Latents<Shape>;
  }

  #at(sample: number): StoredTrajectory {
    const trajectory = this.#trajectories[sample];
    if (trajectory === undefined) {
      throw new RangeError(`Trajectory ${sample} is not in the store, which holds ${this.size}.`);
    }
    return trajectory;
  }
}

async function read(
  tensor: tf.Tensor,
  shape: readonly number[],
  name: string,
): Promise<Float32Array> {
  if (tensor.shape.join() !== shape.join()) {
    throw new Error(
      `${name} has shape [${tensor.shape.join(', ')}], expected [${shape.join(', ')}].`,
    );
  }
  const values = await tensor.data<'float32'>();
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad !== -1) {
    throw new Error(
      `${name} holds ${values[bad]} in row ${Math.floor(bad / (values.length / (shape[0] ?? 1)))}: the network's output ` +
        'or the noise was not finite.',
    );
  }
  return values;
}
