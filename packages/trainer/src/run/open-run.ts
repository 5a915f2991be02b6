/** Everything that a run needs before its first iteration. */
import { planDenoiseSteps } from '@loop-diffusion/diffusion-mdp';
import {
  createLoraAdapter,
  type LoraAdapter,
  type StableDiffusion,
} from '@loop-diffusion/diffusion-models';
import { useBestBackend } from '@loop-diffusion/native-tensorflow';
import { scaleClipRange } from '@loop-diffusion/ppo-objective';
import { createCombination } from '@loop-diffusion/rewards';
import * as tf from '@tensorflow/tfjs-core';

import { backendOptions, smallestBatch } from '../configuration/backend-options';
import type { TrainConfig } from '../configuration/schema';
import { createAdvantageEstimator, type Objective } from '../learning/algorithm';
import { createAdamW } from '../learning/optimizer';
import { trainableUNet, trainableVariables } from '../learning/trainable-variables';
import { findCutOffPrompts } from '../policy/find-cut-off-prompts';
import { latentShape } from '../policy/latent-shape';
import type { Policy } from '../policy/policy';
import { disposeTexts } from '../policy/text-condition';
import { createTextSource, rememberTexts } from '../policy/text-source';
import { readRunPrompts, type PromptSource, type RunPrompts } from '../prompts/prompt-sources';
import { createPictureScreen, type PictureScreen } from '../scoring/picture-screen';
import { createRewards, disposeRewards, type WeightedReward } from '../scoring/rewards';
import { UserError } from '../user-error';
import { adapterRandom } from '../weights/adapter-random';
import { openModel } from '../weights/open-model';
import { trainedWeights } from '../weights/trained-weights';
import { checkCheckpointSize } from './checkpoint-size';
import type { GivenObjects } from './given';
import { originOf } from './origin';
import type { Run } from './run';

/** @throws an error whose message says what is wrong with the configuration's model, prompts or rewards */
export async function openRun(
  config: TrainConfig,
  given: GivenObjects = {},
  /** Called with the fraction of the model that is loaded. */
  onLoad: (fraction: number) => void = () => undefined,
): Promise<Run> {
  // Before what takes longer to open.
  const prompts = await readRunPrompts(
    {
      training: given.prompts ?? config.prompts,
      evaluation: evaluationSource(config, given),
      heldOutFraction: config.evaluate.heldOutFraction,
    },
    Math.max(config.evaluate.images, config.samples.count),
  );
  // Some rewards work on it.
  await useBestBackend({
    ...backendOptions(config.backend, smallestBatch(config), config.precision),
    quiet: true,
  });
  const rewards = await createRewards(config.rewards, given.rewards);
  let screen: PictureScreen | undefined;
  try {
    screen = await createPictureScreen(config.samples.safety);
    return await openWith(config, given, prompts, rewards, screen, onLoad);
  } catch (error) {
    screen?.dispose();
    await disposeRewards(rewards);
    throw error;
  }
}

async function openWith(
  config: TrainConfig,
  given: GivenObjects,
  { training: prompts, evaluation: heldOut, areHeldOut }: RunPrompts,
  rewards: readonly WeightedReward[],
  screen: PictureScreen,
  onLoad: (fraction: number) => void,
): Promise<Run> {
  const {
    model,
    schedule,
    backend,
    adapter: start,
  } = await openModel({
    model: config.model,
    lora: config.lora?.from ?? undefined,
    backend: config.backend,
    rows: smallestBatch(config),
    precision: config.precision,
    onLoad,
  });
  const origin = originOf({ config, backend, model, prompts, heldOut, rewards });
  if (config.lora === null) {
    const sizes = Object.values(model.unet.weights).map(({ size }) => size);
    checkCheckpointSize(sizes.reduce((total, size) => total + size, 0));
  }
  const adapter =
    config.lora === null ? undefined : newAdapter(model, config.lora, config.seed, start);
  const plan = planDenoiseSteps(schedule, config.sampler);
  const { from, to } = config.algorithm.timesteps;
  const shape = latentShape(model, config.sampler);
  const { clipRange, name, advantageClip, klWeight } = config.algorithm;
  const objective: Objective = {
    name,
    clipRange: clipRange === 'auto' ? scaleClipRange(shape[0] * shape[1] * shape[2]) : clipRange,
    klWeight,
  };
  const texts =
    config.memory.textEncoders === 'release'
      ? rememberTexts(
          model,
          shape,
          [...prompts, ...heldOut].map(({ text }) => text),
        )
      : createTextSource(model, shape);
  const empty = texts.empty();
  const policy: Policy = {
    model,
    unet: adapter === undefined ? trainableUNet(model.unet) : model.unet,
    schedule,
    adapter,
    guidance: config.sampler.guidance,
    checkpoint: config.gradientCheckpointing,
    texts,
    latentShape: shape,
    vaeTiles: config.memory.vaeTiles,
  };

  const variables = trainableVariables(trainedWeights(policy));
  const optimizer = createAdamW(variables, config.optimizer);
  return {
    config,
    output: given.withoutFiles === true ? undefined : config.output,
    origin,
    backend,
    policy,
    base: { ...policy, unet: model.unet, adapter: undefined },
    releaseBase() {
      if (adapter === undefined && klWeight === 0) tf.dispose(model.unet.weights);
    },
    variables,
    optimizer,
    rewards,
    combination: createCombination(rewards),
    screen,
    prompts,
    heldOut,
    areHeldOut,
    cutOff: findCutOffPrompts(
      model,
      [...prompts, ...heldOut].map(({ text }) => text),
    ),
    plan,
    trainedSteps: plan
      .slice(from, to)
      .filter(({ sigma }) => sigma > 0)
      .map(({ index }) => index),
    objective,
    advantages: createAdvantageEstimator(name, advantageClip ?? Infinity),
    empty,
    dispose() {
      optimizer.dispose();
      disposeTexts(empty);
      for (const variable of variables) variable.dispose();
      model.dispose();
      screen.dispose();
      // What the processes of a reward still hold is no reason to lose the run.
      void disposeRewards(rewards).catch(() => undefined);
    },
  };
}

/** @param start what it begins with, instead of changing nothing yet */
function newAdapter(
  model: StableDiffusion,
  lora: NonNullable<TrainConfig['lora']>,
  seed: number,
  start: LoraAdapter | undefined,
): LoraAdapter {
  const adapter = createLoraAdapter(model.unet.weights, lora, adapterRandom(seed));
  if (start !== undefined) startFrom(adapter, start, lora.from ?? '');
  return adapter;
}

/** @throws UserError where the two are not of one kind */
function startFrom(adapter: LoraAdapter, start: LoraAdapter, path: string): void {
  for (const key of ['rank', 'alpha'] as const) {
    if (start.config[key] === adapter.config[key]) continue;
    throw new UserError(
      `The adapter '${path}' has ${key} ${start.config[key]}, but lora.${key} is ${adapter.config[key]}; set lora.${key}=${start.config[key]}`,
    );
  }
  const [own, given] = [adapter, start].map(({ weights }) => Object.keys(weights).sort());
  if (own?.join() !== given?.join()) {
    throw new UserError(
      `The adapter '${path}' changes other modules than lora.targets (${adapter.config.targets.join(', ')}) say; its own are ${start.config.targets.join(', ')}`,
    );
  }
  for (const [key, { shape }] of Object.entries(start.weights)) {
    if ((adapter.weights[key] as tf.Tensor).shape.join() === shape.join()) continue;
    throw new UserError(
      `The adapter '${path}' has another rank for '${key}' than ${adapter.config.rank}; a run starts from adapters of one rank`,
    );
  }
  for (const [key, weight] of Object.entries(start.weights)) {
    (adapter.weights[key] as tf.Variable).assign(weight);
    weight.dispose();
  }
}

function evaluationSource(config: TrainConfig, given: GivenObjects): PromptSource {
  const isTraining = config.evaluate.prompts === config.prompts;
  return given.heldOut ?? (isTraining ? given.prompts : undefined) ?? config.evaluate.prompts;
}
