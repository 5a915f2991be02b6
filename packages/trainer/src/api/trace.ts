/** Everything on the way of drawn images, laid out as diffusers does. */
import type { NoiseSource } from '../policy/image-batches';
import type { LatentShape } from '../policy/latent-shape';
import { toChannelsFirst } from './channels-first';
import type { DrawTrace } from './drawing-options';

/** Images as they were drawn, before they are decoded. */
export interface Drawn {
  /** `[steps]` */
  readonly timesteps: readonly number[];
  /** Of each image its latents one after the other, `[steps + 1, height, width, channels]`. */
  readonly trajectories: readonly Float32Array[];
  /** Of each image `[steps]`; a policy's alone. */
  readonly logProbs?: readonly Float32Array[];
}

/** @param noiseOf what the images were drawn with */
export function traceOf(
  { timesteps, trajectories, logProbs }: Drawn,
  shape: LatentShape,
  noiseOf: NoiseSource,
): DrawTrace {
  const [height, width, channels] = shape;
  const [images, steps] = [trajectories.length, timesteps.length];
  const size = height * width * channels;
  const latents = new Float32Array(images * (steps + 1) * size);
  trajectories.forEach((trajectory, image) => {
    for (let point = 0; point <= steps; point += 1) {
      const latent = trajectory.subarray(point * size, (point + 1) * size);
      latents.set(toChannelsFirst(latent, shape), (image * (steps + 1) + point) * size);
    }
  });
  const noise = new Float32Array(logProbs === undefined ? 0 : images * steps * size);
  for (let row = 0; row < noise.length / size; row += 1) {
    const values = noiseOf(Math.floor(row / steps), (row % steps) + 1);
    noise.set(toChannelsFirst(values, shape), row * size);
  }
  return {
    latents: { shape: [images, steps + 1, channels, height, width], values: latents },
    timesteps,
    ...(logProbs && {
      logProbs: {
        shape: [images, steps],
        values: Float32Array.from(logProbs.flatMap((values) => [...values])),
      },
      noise: { shape: [images, steps, channels, height, width], values: noise },
    }),
  };
}
