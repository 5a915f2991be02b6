/** Everything that a run needs before its first iteration. */
import {
  createLoraAdapter,
  type LoraAdapter,
  type StableDiffusion,
} from '@loop-diffusion/diffusion-models';
import { scaleClipRange } from '@loop-diffusion/ppo-objective';
import { createCombination } from '@loop-diffusion/rewards';
import * as tf from '@tensorflow/tfjs-core';

import { smallestBatch } from '../configuration/backend-options';
import { stopsRatios } from '../configuration/chosen-method';
import type { TrainConfig } from '../configuration/schema';
import { createAdvantageEstimator } from '../learning/advantages';
import { createOptimizer } from '../learning/create-optimizer';
import { createEma } from '../learning/ema';
import { createIterationSteps } from '../learning/iteration-steps';
import { createKlTarget } from '../learning/kl-target';
import type { SampleDropout } from '../learning/trajectory-gradient';
import { trainableUNet, trainableVariables } from '../learning/trainable-variables';
import { createWeightAverage } from '../learning/weight-average';
import { findCutOffPrompts } from '../prompts/find-cut-off-prompts';
import { latentShape } from '../policy/latent-shape';
import { createCompute } from '../policy/compute';
import type { Policy } from '../policy/policy';
import { disposeTexts } from '../policy/text-condition';
import { createTextSource, rememberTexts } from '../policy/text-source';
import { readRunPrompts, type PromptSource } from '../prompts/prompt-sources';
import { createPictureScreen } from '../scoring/picture-screen';
import { createRewards, disposeRewards } from '../scoring/rewards';
import { UserError } from '../user-error';
import { adapterRandom } from '../weights/adapter-random';
import { openModel } from '../weights/open-model';
import { resolveModel } from '../weights/resolve-model';
import { startBackend } from '../weights/start-backend';
import { trainedWeights, withWeights } from '../weights/trained-weights';
import { ALONE } from '../workers/workers';
import { checkCheckpointSize } from './checkpoint-size';
import { chooseModules } from './federated/choose-modules';
import { openClients, readClientPrompts } from './federated/clients';
import { createFederation } from './federated/federation';
import type { GivenObjects } from './given';
import { originOf } from './origin';
import { loadMethod } from './load-method';
import { createOwned, type Owned } from './owned';
import type { Run } from './run';

/**
 * What costs little is looked at first: a missing file of prompts is told before gigabytes are read.
 *
 * @throws an error whose message says what is wrong with the configuration's model, prompts or rewards; nothing is left open
 */
export async function openRun(
  config: TrainConfig,
  given: GivenObjects = {},
  /** Called with the fraction of the model that is loaded. */
  onLoad: (fraction: number) => void = () => undefined,
): Promise<Run> {
  const owned = createOwned();
  try {
    return await openWith(config, given, owned, onLoad);
  } catch (error) {
    await owned.dispose().catch(() => undefined);
    throw error;
  }
}

async function openWith(
  config: TrainConfig,
  given: GivenObjects,
  owned: Owned,
  onLoad: (fraction: number) => void,
): Promise<Run> {
  const { workers = ALONE } = given;
  const {
    training: prompts,
    evaluation: heldOut,
    areHeldOut,
  } = await readRunPrompts(
    {
      training: given.prompts ?? config.prompts,
      evaluation: evaluationSource(config, given),
      heldOutFraction: config.evaluate.heldOutFraction,
    },
    Math.max(config.evaluate.images, config.samples.count),
  );
  const ofClients =
    config.federated === null
      ? []
      : await readClientPrompts(
          config.federated,
          prompts,
          heldOut.slice(0, config.evaluate.images),
        );
  const texts = [...prompts, ...ofClients.flatMap((client) => client.prompts), ...heldOut].map(
    ({ text }) => text,
  );
  if (given.withoutFiles === true && config.guards.onCollapse !== 'warn') {
    throw new UserError(
      `guards.onCollapse is ${config.guards.onCollapse}, which goes back to a checkpoint, but the run leaves no files; give it a folder by output`,
    );
  }
  const { objective, code } = await loadMethod(config, given.method);
  // Before the rewards, for some work on it.
  const backend = await startBackend(config.backend, smallestBatch(config), {
    precision: config.precision,
  });
  const screen = await createPictureScreen(config.samples.safety);
  owned.add(() => {
    screen.dispose();
  });
  await resolveModel(config.model);
  const rewards = await createRewards(config.rewards, given.rewards, workers);
  // What the processes of a reward still hold is no reason to lose the run.
  owned.add(() => disposeRewards(rewards).catch(() => undefined));
  const clients = await openClients(config, ofClients, {
    rewards,
    given: given.rewards,
    workers,
    owned,
  });
  const compute = createCompute();
  owned.add(compute.dispose);
  const opened = await openModel({
    model: config.model,
    lora: config.lora?.from ?? undefined,
    frozenWeights: config.memory.frozenWeights,
    onLoad,
  });
  owned.add(opened.dispose);
  const { model, schedule } = opened;
  const origin = originOf({
    ...{ config, backend, model, prompts, heldOut, rewards, clients, code },
    workers: workers.size,
  });
  if (config.lora === null) {
    const sizes = Object.values(model.unet.weights).map(({ size }) => size);
    checkCheckpointSize(sizes.reduce((total, size) => total + size, 0));
  }
  const unet = config.lora === null ? trainableUNet(model.unet) : model.unet;
  const shape = latentShape(model, config.sampler);
  const textSource =
    config.memory.textEncoders === 'release'
      ? rememberTexts(model, shape, texts)
      : createTextSource(model, shape);
  const empty = textSource.empty();
  owned.add(() => {
    disposeTexts(empty);
  });
  const found: Policy = {
    model,
    unet,
    schedule,
    compute,
    adapter: opened.adapter,
    guidance: config.sampler.guidance,
    gradientCheckpointing: config.gradientCheckpointing,
    texts: textSource,
    latentShape: shape,
    vaeTiles: config.memory.vaeTiles,
  };
  const modules = await chooseModules(config, found, clients);
  const adapter =
    config.lora === null
      ? undefined
      : newAdapter(
          model,
          // What is not shared is not trained, and a module that changes nothing need not be there.
          config.federated?.personal === false ? { ...config.lora, targets: modules } : config.lora,
          config.seed,
        );
  const policy: Policy = { ...found, adapter };
  const variables = trainableVariables(trainedWeights({ unet, adapter }));
  owned.add(() => {
    tf.dispose(variables);
  });
  if (adapter !== undefined && opened.adapter !== undefined) {
    startFrom(adapter, opened.adapter, config.lora?.from ?? '');
  }
  const steps = createIterationSteps(schedule, config, objective);
  const latentSize = shape[0] * shape[1] * shape[2];
  const { advantageClip, klWeight, klTarget } = config.algorithm;
  const clipRange = clipRangeOf(config, latentSize);
  const optimizer = createOptimizer(variables, config.optimizer);
  owned.add(() => {
    optimizer.dispose();
  });
  const ema = config.ema === null ? undefined : createEma(variables, config.ema.decay);
  const average =
    objective.learnsFrom === 'images' && objective.average !== undefined
      ? createWeightAverage(variables)
      : undefined;
  owned.add(() => {
    ema?.dispose();
    average?.dispose();
  });
  const run: Run = {
    config,
    output: given.withoutFiles === true || workers.rank > 0 ? undefined : config.output,
    origin,
    backend,
    workers,
    policy,
    result: () => (ema === undefined ? policy : withWeights(policy, ema.weights)),
    base: { ...policy, unet: model.unet, adapter: undefined },
    releaseBase() {
      const { klInReward } = config.algorithm;
      const drawsExtra = objective.learnsFrom === 'images' && objective.extra?.from === 'base';
      const isCompared = klWeight > 0 || klInReward > 0 || objective.base === true || drawsExtra;
      if (adapter === undefined && !isCompared) tf.dispose(model.unet.weights);
    },
    variables,
    optimizer,
    average,
    ema,
    rewards,
    combination: createCombination(rewards),
    screen,
    prompts,
    heldOut,
    areHeldOut,
    cutOff: findCutOffPrompts(model, texts),
    steps,
    objective,
    lossContext: {
      clipRange: config.algorithm.clipRange === 'none' ? Infinity : clipRange,
      latentSize,
    },
    clipRange,
    clips: stopsRatios(config.algorithm, objective),
    sampleDropout: sampleDropoutOf(config, clipRange),
    klWeight:
      klTarget === null
        ? { weight: klWeight }
        : createKlTarget({ target: klTarget, weight: klWeight }),
    advantages: createAdvantageEstimator(objective, advantageClip ?? Infinity),
    empty,
    federation: undefined,
    dispose() {
      void owned.dispose();
    },
  };
  if (config.federated === null) return run;
  return { ...run, federation: createFederation(run, clients, modules) };
}

function clipRangeOf({ algorithm: { clipRange } }: TrainConfig, latentSize: number): number {
  return typeof clipRange === 'number' ? clipRange : scaleClipRange(latentSize);
}

/** Published for a clip of 0.2 with 0.5, which leaves as much room in units of the clip range. */
const DROPOUT_IN_CLIP_RANGES = 2.5;

function sampleDropoutOf(
  { algorithm: { sampleDropout } }: TrainConfig,
  clipRange: number,
): SampleDropout | undefined {
  if (sampleDropout === null) return undefined;
  const { delta, side } = sampleDropout;
  return { delta: delta === 'auto' ? DROPOUT_IN_CLIP_RANGES * clipRange : delta, side };
}

function newAdapter(
  { unet }: StableDiffusion,
  lora: NonNullable<TrainConfig['lora']>,
  seed: number,
): LoraAdapter {
  return createLoraAdapter(unet.weights, lora, adapterRandom(seed));
}

/** @param start is freed where it can be taken. @throws UserError where the two are not of one kind */
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
