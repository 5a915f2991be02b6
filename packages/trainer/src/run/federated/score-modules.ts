/** Which modules clients share, where a part of all is asked for: those of the highest scores (FedPepTAO, arXiv 2310.15080). */
import { counterNormal, planDenoiseSteps } from '@loop-diffusion/diffusion-mdp';
import { unet } from '@loop-diffusion/diffusion-models';
import { layerScore, rankLayers } from '@loop-diffusion/federated-averaging';
import * as tf from '@tensorflow/tfjs-core';

import type { TrainConfig } from '../../configuration/schema';
import { STREAMS } from '../../noise-streams';
import type { Policy } from '../../policy/policy';
import { sampleLatents } from '../../policy/rollout';
import { disposeTexts } from '../../policy/text-condition';
import { promptsAt } from '../../prompts/prompt-order';
import { UserError } from '../../user-error';
import type { Client } from './clients';

/** b, the published batch. */
const SAMPLES = 8;

/**
 * Each client scores every module by what it gives for 8 of the client's prompts, whose images are half drawn; the scores' mean
 * decides. All clients draw as many images, and so count alike.
 *
 * @param policy as training finds it
 * @param modules by their paths, and the part of them in (0, 1] that is wanted; at least one is taken
 * @returns the modules with the highest scores, the highest first
 * @throws UserError when a module gives the same, nothing or no numbers for a prompt, and so has no score
 */
export async function bestModules(
  policy: Policy,
  clients: readonly Client[],
  { sampler, batch }: Pick<TrainConfig, 'sampler' | 'batch'>,
  { modules, part }: { readonly modules: readonly string[]; readonly part: number },
): Promise<string[]> {
  const scored = [];
  for (const client of clients) {
    scored.push({
      samples: SAMPLES,
      scores: await scoresOf(policy, client, sampler, batch.rollout, modules),
    });
  }
  const count = Math.max(1, Math.round(part * modules.length));
  return rankLayers(scored)
    .slice(0, count)
    .map(({ layer }) => layer);
}

async function scoresOf(
  policy: Policy,
  { name, prompts, seed }: Client,
  sampler: TrainConfig['sampler'],
  batch: number,
  modules: readonly string[],
): Promise<Record<string, number>> {
  const texts = promptsAt(prompts, seed, 0, SAMPLES).map(({ text }) => text);
  const plan = planDenoiseSteps(policy.schedule, sampler);
  const middle = Math.floor(plan.length / 2);
  const text = policy.texts.encode(texts);
  const empty = policy.texts.empty();
  const halfDrawn: tf.Tensor4D[] = [];
  try {
    const [height, width, channels] = policy.latentShape;
    await sampleLatents(policy, {
      ...{ prompts: text, empty, promptOfImage: texts.map((_, index) => index) },
      ...{ latentShape: policy.latentShape, plan: plan.slice(0, middle), batch },
      noise: (image, step) =>
        counterNormal(
          { seed, prompt: image, sample: 0, step, stream: STREAMS.layerScores },
          height * width * channels,
        ),
      async onBatch(latents) {
        halfDrawn.push(latents.clone());
      },
    });
    const scores: Record<string, number> = {};
    const wanted = new Set(modules);
    const { config, weights } = policy.unet;
    tf.tidy(() => {
      unet(config, weights, {
        sample: tf.concat(halfDrawn),
        timesteps: plan[middle]!.timestep,
        encoderHiddenStates: text.states,
        added: text.added,
        lora: policy.adapter,
        observe: (path, output) => {
          if (wanted.has(path)) scores[path] = scoreOf(path, output, name);
        },
      });
    });
    return scores;
  } finally {
    disposeTexts(text, empty);
    tf.dispose(halfDrawn);
  }
}

function scoreOf(path: string, output: tf.Tensor, client: string): number {
  const numbers = output.dataSync<'float32'>();
  // What depends on the timestep alone is computed once for all.
  const rows = output.shape[0] === 1 ? 1 : SAMPLES;
  const width = numbers.length / rows;
  const states = Array.from({ length: SAMPLES }, (_, sample) => {
    const row = Math.min(sample, rows - 1);
    return numbers.subarray(row * width, (row + 1) * width);
  });
  try {
    return layerScore(states);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(
      `The module '${path}' cannot be scored for the client '${client}': ${reason} Name modules in federated.layers instead`,
      { cause: error },
    );
  }
}
