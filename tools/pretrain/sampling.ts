import {
  classifierFreeGuidance,
  planDenoiseSteps,
  takePolicyStep,
  type NoiseSchedule,
} from '@loop-diffusion/diffusion-mdp';
import {
  decodeLatents,
  encodeText,
  unet,
  type AutoencoderConfig,
  type ClipTokenizer,
  type TextEncoderConfig,
  type UNetConfig,
  type Weights,
} from '@loop-diffusion/diffusion-models';
import type { Image } from '@loop-diffusion/rewards';
import {
  FAMILIES,
  scoreScene,
  type Family,
  type ShapesPrompt,
} from '@loop-diffusion/shapes-benchmark';
import * as tf from '@tensorflow/tfjs-core';
import { tensorImages } from './autoencoder';
import { latentChannels, latentSide } from './configuration';
import { normals, streams } from './random';

/** All that sampling needs. */
export interface SamplingModel {
  readonly unet: { readonly config: UNetConfig; readonly weights: Weights };
  readonly vae: { readonly config: AutoencoderConfig; readonly weights: Weights };
  readonly textEncoder: { readonly config: TextEncoderConfig; readonly weights: Weights };
  readonly tokenizer: ClipTokenizer;
  readonly schedule: NoiseSchedule;
  readonly scalingFactor: number;
}

export interface SamplerSettings {
  readonly steps: number;
  readonly eta: number;
  readonly guidance: number;
  readonly seed: number;
}

/** One picture per prompt; picture i has its own noise, which depends on the seed and i alone. */
export function sampleImages(
  model: SamplingModel,
  prompts: readonly string[],
  settings: SamplerSettings,
  batchSize = 64,
): Image[] {
  const images: Image[] = [];
  for (let first = 0; first < prompts.length; first += batchSize) {
    images.push(...sampleBatch(model, prompts.slice(first, first + batchSize), first, settings));
  }
  return images;
}

function sampleBatch(
  model: SamplingModel,
  prompts: readonly string[],
  firstIndex: number,
  { steps, eta, guidance, seed }: SamplerSettings,
): Image[] {
  const shape: [number, number, number, number] = [
    prompts.length,
    latentSide,
    latentSide,
    latentChannels,
  ];
  const size = latentSide * latentSide * latentChannels;
  const noiseAt = (step: number): tf.Tensor4D => {
    const values = new Float32Array(prompts.length * size);
    prompts.forEach((_, i) => {
      const index = (firstIndex + i) * (steps + 1) + step;
      values.set(normals(seed, streams.samplingNoise, index, size), i * size);
    });
    return tf.tensor4d(values, shape);
  };
  const encode = (texts: readonly string[]): tf.Tensor3D =>
    tf.tidy(
      () =>
        encodeText(
          model.textEncoder.config,
          model.textEncoder.weights,
          texts.map((text) => model.tokenizer.encode(text)),
        ).lastHiddenState,
    );
  const conditional = encode(prompts);
  const unconditional = guidance > 1 ? encode(prompts.map(() => '')) : null;
  const predict = (sample: tf.Tensor4D, timestep: number, hidden: tf.Tensor3D): tf.Tensor4D =>
    unet(model.unet.config, model.unet.weights, {
      sample,
      timesteps: timestep,
      encoderHiddenStates: hidden,
    });
  let sample = noiseAt(0);
  planDenoiseSteps(model.schedule, { steps, eta }).forEach((step, index) => {
    const next = tf.tidy(() => {
      const output = predict(sample, step.timestep, conditional);
      const guided =
        unconditional === null
          ? output
          : classifierFreeGuidance(predict(sample, step.timestep, unconditional), output, guidance);
      return takePolicyStep(model.schedule, step, sample, guided, noiseAt(index + 1))
        .previousSample;
    });
    tf.dispose(sample);
    sample = next;
  });
  const decoded = tf.tidy(() =>
    decodeLatents(
      model.vae.config,
      model.vae.weights,
      tf.mul<tf.Tensor4D>(sample, 1 / model.scalingFactor),
    ),
  );
  const images = tensorImages(decoded);
  tf.dispose([decoded, sample, conditional, unconditional].filter((tensor) => tensor !== null));
  return images;
}

export interface FamilyScore {
  readonly mean: number;
  readonly standardError: number;
  readonly count: number;
}

export type Scores = Readonly<Record<Family | 'all', FamilyScore>> & {
  /** Of all images, how many score above 0.95. */
  readonly nearlyPerfect: number;
};

/** Mean reward with its standard error, over all prompts and by family. */
export function scoreImages(images: readonly Image[], prompts: readonly ShapesPrompt[]): Scores {
  const values = images.map((image, i) => scoreScene(image, prompts[i]?.text ?? '').value);
  const summary = (selected: readonly number[]): FamilyScore => {
    const count = selected.length;
    const mean = selected.reduce((sum, value) => sum + value, 0) / count;
    const variance = selected.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1);
    return { mean, standardError: Math.sqrt(variance / count), count };
  };
  const families = FAMILIES.map(
    (family) => [family, summary(values.filter((_, i) => prompts[i]?.family === family))] as const,
  );
  return {
    ...(Object.fromEntries(families) as Record<Family, FamilyScore>),
    all: summary(values),
    nearlyPerfect: values.filter((value) => value > 0.95).length / values.length,
  };
}
