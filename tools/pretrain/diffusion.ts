import { join } from 'node:path';
import { createNoiseSchedule, parseSchedulerConfig } from '@loop-diffusion/diffusion-mdp';
import {
  buildClipTokenizerFiles,
  createClipTokenizer,
  encodeText,
  initializeTextEncoder,
  initializeUNet,
  parseTextEncoderConfig,
  parseUNetConfig,
  unet,
} from '@loop-diffusion/diffusion-models';
import { allPrompts, evaluationPrompts } from '@loop-diffusion/shapes-benchmark';
import * as tf from '@tensorflow/tfjs-core';
import { progressLine, type Autoencoder } from './autoencoder';
import { createClock } from './clock';
import {
  latentChannels,
  latentSide,
  schedulerConfig,
  textEncoderConfig,
  textLength,
  unetConfig,
} from './configuration';
import { saveContactSheet } from './contact-sheet';
import type { LatentSet } from './latents';
import {
  applyAdam,
  learningRateAt,
  lossAndGradient,
  parameterTensors,
  startParameters,
  type TensorRecord,
} from './optimizer';
import { normals, streams, uniforms, weightGenerator } from './random';
import { sampleImages, scoreImages, type SamplingModel } from './sampling';
import type { Replicas } from './replicas';
import type { SceneSet } from './scenes';
import { appendLog, loadTraining, saveTraining } from './state';

export interface DiffusionPlan {
  readonly seed: number;
  readonly images: number;
  readonly batch: number;
  readonly learningRate: number;
  readonly decayShare: number;
  /** Of the running average of the weights that is sampled from and exported. */
  readonly averageDecay: number;
  /** Signal-to-noise ratio above which the loss of a timestep is weighted down (Hang et al. 2023, arXiv:2303.09556). */
  readonly snrLimit: number;
  /** Share of captions replaced by the empty one, so that guidance has something to guide away from. */
  readonly promptDropout: number;
  /** Images between two evaluations. */
  readonly evaluateEvery: number;
  /** Held-out prompts per evaluation, and at the end. */
  readonly evaluationPrompts: number;
  readonly finalPrompts: number;
}

/** The prefixes that tell the two trained networks apart in one map of weights. */
const unetPrefix = 'unet/';
const textPrefix = 'text_encoder/';
const saveEverySeconds = 150;

/** The tokenizer's files for the words of this world. */
export function tokenizerFiles(): ReturnType<typeof buildClipTokenizerFiles> {
  const words = [...new Set(allPrompts().flatMap((prompt) => prompt.text.split(' ')))].sort();
  return buildClipTokenizerFiles(words, { maxLength: textLength });
}

function networks(): Pick<SamplingModel, 'tokenizer' | 'schedule'> & {
  unetConfig: SamplingModel['unet']['config'];
  textConfig: SamplingModel['textEncoder']['config'];
} {
  const files = tokenizerFiles();
  return {
    tokenizer: createClipTokenizer(files),
    schedule: createNoiseSchedule(parseSchedulerConfig(schedulerConfig)),
    unetConfig: parseUNetConfig(unetConfig),
    textConfig: parseTextEncoderConfig(textEncoderConfig(Object.keys(files.vocab).length)),
  };
}

function part(weights: TensorRecord, prefix: string): TensorRecord {
  return Object.fromEntries(
    Object.entries(weights)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, tensor]) => [key.slice(prefix.length), tensor]),
  );
}

function prefixed(prefix: string, weights: TensorRecord): [string, tf.Tensor][] {
  return Object.entries(weights).map(([key, tensor]) => [prefix + key, tensor]);
}

/** The model with these UNet and text-encoder weights, sharing their tensors. */
function samplingModel(
  weights: TensorRecord,
  autoencoder: Autoencoder,
  scalingFactor: number,
): SamplingModel {
  const { tokenizer, schedule, unetConfig: unetParsed, textConfig } = networks();
  return {
    unet: { config: unetParsed, weights: part(weights, unetPrefix) },
    textEncoder: { config: textConfig, weights: part(weights, textPrefix) },
    vae: autoencoder,
    tokenizer,
    schedule,
    scalingFactor,
  };
}

/** The trained model: the running average of the weights. */
export function loadDiffusion(folder: string, autoencoder: Autoencoder): SamplingModel {
  const saved = loadTraining(join(folder, 'diffusion.safetensors'));
  if (saved === null)
    throw new Error(`no trained UNet in ${folder}; run the stage "diffusion" first`);
  const { scalingFactor } = saved.progress;
  if (scalingFactor === undefined)
    throw new Error(`the training in ${folder} has no scaling factor`);
  return samplingModel(parameterTensors(saved.parameters, 'average'), autoencoder, scalingFactor);
}

/** Trains UNet and text encoder together to the end of the plan, from where a former run stopped. */
export async function trainDiffusion(
  folder: string,
  plan: DiffusionPlan,
  autoencoder: Autoencoder,
  latents: LatentSet,
  scenes: SceneSet,
  replicas: Replicas,
  report: (line: string) => void,
): Promise<void> {
  const path = join(folder, 'diffusion.safetensors');
  const log = join(folder, 'diffusion.jsonl');
  const { tokenizer, schedule, unetConfig: unetParsed, textConfig } = networks();
  const saved = loadTraining(path);
  const parameters =
    saved?.parameters ??
    startParameters(
      Object.fromEntries([
        ...prefixed(
          unetPrefix,
          initializeUNet(unetParsed, weightGenerator(plan.seed, streams.unetWeights)),
        ),
        ...prefixed(
          textPrefix,
          initializeTextEncoder(textConfig, weightGenerator(plan.seed, streams.textEncoderWeights)),
        ),
      ]),
    );
  let { step, imagesSeen } = saved?.progress ?? { step: 0, imagesSeen: 0 };
  const clock = createClock(saved?.progress.seconds ?? 0, imagesSeen);
  let lastSave = clock.seconds();
  let evaluations = Math.floor(imagesSeen / plan.evaluateEvery);
  let recentLoss = Number.NaN;
  const captions = scenes.prompts.map((prompt) => tokenizer.encode(prompt.text));
  const noCaption = tokenizer.encode('');
  const size = latentSide * latentSide * latentChannels;
  const rows = plan.batch / replicas.count;
  if (!Number.isInteger(rows))
    throw new RangeError(
      `a batch of ${String(plan.batch)} does not divide among ${String(replicas.count)} processes`,
    );
  const shape: [number, number, number, number] = [rows, latentSide, latentSide, latentChannels];

  while (imagesSeen < plan.images) {
    const draws = uniforms(plan.seed, streams.diffusionBatches, step, plan.batch * 3);
    const noise = normals(plan.seed, streams.diffusionNoise, step, plan.batch * size);
    const noisy = new Float32Array(rows * size);
    const ownNoise = new Float32Array(rows * size);
    const timesteps: number[] = [];
    const lossWeights: number[] = [];
    const tokens: number[][] = [];
    // Rows are dealt out in turn, so that every process sees all noise levels.
    for (let row = replicas.rank, own = 0; row < plan.batch; row += replicas.count, own += 1) {
      const scene = Math.floor((draws[3 * row] ?? 0) * scenes.count);
      // One timestep from each of `batch` equal slices: less variance than independent draws.
      const timestep = Math.floor(
        ((row + (draws[3 * row + 1] ?? 0)) / plan.batch) * schedule.alphasCumprod.length,
      );
      timesteps.push(timestep);
      tokens.push(
        (draws[3 * row + 2] ?? 0) < plan.promptDropout ? noCaption : (captions[scene] ?? noCaption),
      );
      const alpha = schedule.alphasCumprod[timestep] ?? 1;
      // Nearly clean images carry most of the loss, but what the prompt decides is drawn at high noise.
      lossWeights.push(Math.min(1, (plan.snrLimit * (1 - alpha)) / alpha));
      const signal = Math.sqrt(alpha) * latents.scalingFactor;
      const spread = Math.sqrt(1 - alpha);
      for (let i = 0; i < size; i++) {
        const epsilon = noise[row * size + i] ?? 0;
        ownNoise[own * size + i] = epsilon;
        noisy[own * size + i] = signal * (latents.means[scene * size + i] ?? 0) + spread * epsilon;
      }
    }
    const sample = tf.tensor4d(noisy, shape);
    const target = tf.tensor4d(ownNoise, shape);
    const rowWeights = tf.tensor4d(lossWeights, [rows, 1, 1, 1]);
    const { loss, gradient } = lossAndGradient(parameters, (weights) => {
      const { lastHiddenState } = encodeText(textConfig, part(weights, textPrefix), tokens);
      const prediction = unet(unetParsed, part(weights, unetPrefix), {
        sample,
        timesteps,
        encoderHiddenStates: lastHiddenState,
      });
      return tf.mean<tf.Scalar>(tf.mul(tf.squaredDifference(prediction, target), rowWeights));
    });
    const learningRate = learningRateAt(imagesSeen, {
      peak: plan.learningRate,
      totalImages: plan.images,
      warmupImages: 6400,
      decayShare: plan.decayShare,
    });
    step += 1;
    applyAdam(parameters, await replicas.average(gradient), {
      learningRate,
      step,
      beta1: 0.9,
      beta2: 0.99,
      epsilon: 1e-8,
      averageDecay: Math.min(plan.averageDecay, step / (step + 10)),
    });
    imagesSeen += plan.batch;
    recentLoss = Number.isNaN(recentLoss) ? loss : 0.97 * recentLoss + 0.03 * loss;
    tf.dispose([sample, target, rowWeights]);
    if (replicas.rank > 0) continue;
    if (step % 20 === 0) {
      appendLog(log, {
        step,
        imagesSeen,
        loss: recentLoss,
        learningRate,
        seconds: clock.seconds(),
        tensors: tf.memory().numTensors,
      });
      report(
        progressLine(
          'diffusion',
          clock,
          imagesSeen,
          plan.images,
          (images) => images,
          `loss ${recentLoss.toFixed(4)}`,
        ),
      );
    }
    const done = imagesSeen >= plan.images;
    if (done || clock.seconds() - lastSave > saveEverySeconds) {
      saveTraining(path, parameters, {
        step,
        imagesSeen,
        seconds: clock.seconds(),
        scalingFactor: latents.scalingFactor,
      });
      lastSave = clock.seconds();
    }
    const evaluation = Math.floor(imagesSeen / plan.evaluateEvery);
    if (done || evaluation > evaluations) {
      evaluations = evaluation;
      const prompts = evaluationPrompts(done ? plan.finalPrompts : plan.evaluationPrompts);
      const average = parameterTensors(parameters, 'average');
      const images = sampleImages(
        samplingModel(average, autoencoder, latents.scalingFactor),
        prompts.map(({ text }) => text),
        { steps: 10, eta: 1, guidance: 1, seed: plan.seed },
      );
      tf.dispose(average);
      const { nearlyPerfect, ...scores } = scoreImages(images, prompts);
      const means = Object.fromEntries(
        Object.entries(scores).map(([name, { mean }]) => [name, Number(mean.toFixed(3))]),
      );
      appendLog(log, { step, imagesSeen, seconds: clock.seconds(), scores: means, nearlyPerfect });
      report(`diffusion: ${String(imagesSeen)} images, held-out reward ${JSON.stringify(means)}`);
      await saveContactSheet(
        join(folder, 'pictures', `diffusion-${String(imagesSeen)}.png`),
        images.slice(0, 40),
      );
    }
  }
}
