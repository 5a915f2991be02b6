/** Which timesteps a sampler visits, and the standard deviation of each of its steps. */

import { alphaCumprodAt } from './noise-schedule';
import type { NoiseSchedule } from './noise-schedule';
import type { SchedulerConfig } from './scheduler-config';
import {
  leadingTimesteps,
  linspaceDown,
  roundHalfToEven,
  trailingTimesteps,
} from './timestep-spacing';

/** One transition x_t → x_{t−1} of the policy. */
export interface DenoiseStep {
  /** Place in the plan, 0 for the noisiest. */
  readonly index: number;
  /** t, what the network is told. */
  readonly timestep: number;
  /** The timestep arrived at; negative after the last. */
  readonly previousTimestep: number;
  /** ᾱ_t */
  readonly alphaCumprod: number;
  /** ᾱ at `previousTimestep` */
  readonly previousAlphaCumprod: number;
  /** σ_t, the standard deviation of the policy. 0: the step is deterministic and has no log-probability. */
  readonly sigma: number;
}

export interface DenoisePlanOptions {
  /** Denoise steps, 1 to `trainTimesteps`. */
  readonly steps: number;
  /**
   * η ≥ 0: 0 is deterministic DDIM, 1 the variance of DDPM. One for all steps, or one per step in their order, such as noise
   * in a window of steps and 0 elsewhere (MixGRPO, arXiv 2507.21802).
   */
  readonly eta: number | readonly number[];
}

/**
 * Plans a DDIM trajectory (arXiv 2010.02502, eq. 12 and 16), timesteps descending, as diffusers does.
 *
 * The previous timestep is t − ⌊trainTimesteps / steps⌋ whatever the spacing, unless the configuration says `next`.
 *
 * @throws RangeError when `steps` or an `eta` is out of range, `eta` is not one per step, or a timestep has no signal left to
 *   predict ε from
 */
export function planDenoiseSteps(
  schedule: NoiseSchedule,
  { steps, eta }: DenoisePlanOptions,
): DenoiseStep[] {
  const { config } = schedule;
  if (!Number.isInteger(steps) || steps < 1 || steps > config.trainTimesteps) {
    throw new RangeError(
      `Denoise steps must be a whole number from 1 to ${config.trainTimesteps}, got ${steps}.`,
    );
  }
  const etas = etaPerStep(eta, steps);
  const stride = Math.floor(config.trainTimesteps / steps);
  const visited = timesteps(config, steps);
  const arrivesAtNext = config.previousTimestep === 'next' && config.timestepSpacing !== 'leading';
  return visited.map((timestep, index) => {
    if (timestep >= config.trainTimesteps) {
      throw new RangeError(
        `With steps_offset ${config.stepsOffset}, ${steps} steps start at timestep ${timestep}, but the network knows ` +
          `0 to ${config.trainTimesteps - 1}. Take fewer steps.`,
      );
    }
    const previousTimestep = arrivesAtNext ? (visited[index + 1] ?? -1) : timestep - stride;
    const alphaCumprod = alphaCumprodAt(schedule, timestep);
    const previousAlphaCumprod = alphaCumprodAt(schedule, previousTimestep);
    if (alphaCumprod === 0 && config.predictionType === 'epsilon') {
      throw new RangeError(
        `Timestep ${timestep} has no signal left (rescale_betas_zero_snr), so x0 cannot be found from a prediction of ` +
          'epsilon. Use a model with prediction_type v_prediction, or another timestep_spacing.',
      );
    }
    const stepEta = etas[index] ?? NaN;
    const sigma = stepDeviation(alphaCumprod, previousAlphaCumprod, stepEta);
    if (1 - previousAlphaCumprod - sigma * sigma < -1e-6) {
      throw new RangeError(
        `eta ${stepEta} asks for more noise at timestep ${timestep} (sigma ${sigma}) than timestep ${previousTimestep} ` +
          'holds. Use an eta of at most 1.',
      );
    }
    return { index, timestep, previousTimestep, alphaCumprod, previousAlphaCumprod, sigma };
  });
}

function etaPerStep(eta: DenoisePlanOptions['eta'], steps: number): readonly number[] {
  const etas = typeof eta === 'number' ? new Array<number>(steps).fill(eta) : eta;
  if (etas.length !== steps) {
    throw new RangeError(
      `eta must be one number, or one per denoise step (${steps}), got ${etas.length}.`,
    );
  }
  for (const one of etas) {
    if (one >= 0 && Number.isFinite(one)) continue;
    throw new RangeError(`eta must be a finite number of at least 0 (usually 0 to 1), got ${one}.`);
  }
  return etas;
}

/**
 * σ_t = η √[ (1−ᾱ_p)/(1−ᾱ_t) · (1 − ᾱ_t/ᾱ_p) ], eq. 16.
 *
 * Rounded to float32 after each operation as diffusers does: near t = 0 the last bracket loses four digits, so the rounding
 * is part of the published number (ln σ would differ by 3e-5 there).
 */
function stepDeviation(alphaCumprod: number, previousAlphaCumprod: number, eta: number): number {
  const round = Math.fround;
  const noise = round(1 - alphaCumprod);
  const previousNoise = round(1 - previousAlphaCumprod);
  // Nothing left to take away: with ᾱ_t = 1 the quotient below would be 0/0.
  if (noise === 0 || previousNoise === 0) return 0;
  const variance = round(
    round(previousNoise / noise) * round(1 - round(alphaCumprod / previousAlphaCumprod)),
  );
  return round(eta * round(Math.sqrt(Math.max(variance, 0))));
}

function timesteps(config: SchedulerConfig, steps: number): number[] {
  const { trainTimesteps, stepsOffset } = config;
  switch (config.timestepSpacing) {
    case 'leading':
      return leadingTimesteps(Math.floor(trainTimesteps / steps), steps, stepsOffset);
    case 'trailing':
      return trailingTimesteps(trainTimesteps, steps);
    case 'linspace':
      return linspaceDown(trainTimesteps - 1, steps).map(roundHalfToEven);
  }
}
