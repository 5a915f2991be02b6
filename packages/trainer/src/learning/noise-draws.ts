/** At what timestep, and with what noise, finished images are noised anew: the same for all images of a prompt. */
import {
  alphaCumprodAt,
  counterNormal,
  counterUniform,
  type DenoiseStep,
  type NoiseSchedule,
} from '@loop-diffusion/diffusion-mdp';

import { STREAMS } from '../noise-streams';

export interface NoiseDraw {
  /** A step from x_t to x_0 without randomness, whose numbers tell what x̂0 a prediction amounts to. */
  readonly step: DenoiseStep;
  /** ε, standard normal. */
  readonly noise: Float32Array;
}

/**
 * Rewards compare the images of a prompt, so these are noised alike: what differs between their losses is then due to the images.
 * Timesteps are uniform over those that the network was trained on, not over the sampler's few.
 *
 * @param firstPrompt number, in the run, of the iteration's first prompt
 * @param size numbers in a latent
 * @returns the draw of a prompt of the iteration, always the same for the same numbers
 */
export function createNoiseDraws(
  schedule: NoiseSchedule,
  seed: number,
  firstPrompt: number,
  size: number,
): (prompt: number, draw: number) => NoiseDraw {
  const timesteps = trainedTimesteps(schedule);
  const known = new Map<string, NoiseDraw>();
  return (prompt, draw) => {
    const name = `${prompt} ${draw}`;
    const before = known.get(name);
    if (before !== undefined) return before;
    const key = {
      seed,
      prompt: firstPrompt + prompt,
      sample: 0,
      step: draw,
      stream: STREAMS.noising,
    };
    const [uniform = 0] = counterUniform(key, 1);
    const made = {
      step: stepToOriginal(schedule, Math.floor(uniform * timesteps)),
      noise: counterNormal(key, size),
    };
    known.set(name, made);
    return made;
  };
}

/** Where no signal is left nothing can be told of x_0 from a prediction of the noise. */
function trainedTimesteps(schedule: NoiseSchedule): number {
  const { trainTimesteps, predictionType } = schedule.config;
  const isSignalLeft = alphaCumprodAt(schedule, trainTimesteps - 1) > 0;
  return predictionType === 'epsilon' && !isSignalLeft ? trainTimesteps - 1 : trainTimesteps;
}

function stepToOriginal(schedule: NoiseSchedule, timestep: number): DenoiseStep {
  return {
    ...{ index: 0, timestep, previousTimestep: -1, sigma: 0 },
    alphaCumprod: alphaCumprodAt(schedule, timestep),
    previousAlphaCumprod: 1,
  };
}
