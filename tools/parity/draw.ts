/**
 * Draws pictures with a Stable Diffusion folder and writes everything that another implementation needs to draw the
 * same ones: prompts, initial latents, the noise of every step, and what came out.
 *
 *   node -C @loop/source --import tsx tools/parity/draw.ts --out FILE [--model FOLDER] [--steps 10] [--eta 1] [--guidance 1]
 *
 * FILE is a safetensors file, NCHW as diffusers has it: `latents` [b, 4, h, w], `noise` [b, steps, 4, h, w], `trace`
 * [b, steps + 1, 4, h, w] (the latents on the way), `images` [b, 3, height, width] in [0, 1]; the metadata holds the rest.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  classifierFreeGuidance,
  counterNormal,
  createNoiseSchedule,
  parseSchedulerConfig,
  planDenoiseSteps,
  takePolicyStep,
} from '@loop-diffusion/diffusion-mdp';
import {
  decodeLatents,
  encodeText,
  loadStableDiffusion,
  unet,
} from '@loop-diffusion/diffusion-models';
import { useBestBackend } from '@loop-diffusion/native-tensorflow';
import { float32Tensor, writeSafetensors } from '@loop-diffusion/safetensors';
import { evaluationPrompts, shapesModelFolder } from '@loop-diffusion/shapes-benchmark';
import * as tf from '@tensorflow/tfjs-core';

const { values: options } = parseArgs({
  options: {
    out: { type: 'string' },
    model: { type: 'string', default: shapesModelFolder() },
    count: { type: 'string', default: '8' },
    steps: { type: 'string', default: '10' },
    eta: { type: 'string', default: '1' },
    guidance: { type: 'string', default: '1' },
    seed: { type: 'string', default: '0' },
  },
});
if (options.out === undefined) throw new Error('say with --out which file to write');
const [count, steps, eta, guidance, seed] = [
  Number(options.count),
  Number(options.steps),
  Number(options.eta),
  Number(options.guidance),
  Number(options.seed),
];

await useBestBackend();
const model = await loadStableDiffusion({
  name: options.model,
  read: (path) => Promise.resolve(new Uint8Array(readFileSync(join(options.model, path)))),
  exists: (path) => Promise.resolve(existsSync(join(options.model, path))),
});
const schedule = createNoiseSchedule(parseSchedulerConfig(model.scheduler));
const prompts = evaluationPrompts(count).map(({ text }) => text);
const side = 8;
const channels = 4;
const size = side * side * channels;
const noiseAt = (step: number): tf.Tensor4D =>
  tf.concat(
    prompts.map((_, prompt) =>
      tf.tensor4d(counterNormal({ seed, prompt, sample: 0, step }, size), [
        1,
        side,
        side,
        channels,
      ]),
    ),
  );
const encode = (texts: readonly string[]): tf.Tensor3D =>
  encodeText(
    model.textEncoder.config,
    model.textEncoder.weights,
    texts.map((text) => model.tokenizer.encode(text)),
  ).lastHiddenState;
const conditional = encode(prompts);
const unconditional = encode(prompts.map(() => ''));

const noises: tf.Tensor4D[] = [];
const trace: tf.Tensor4D[] = [noiseAt(0)];
for (const [index, step] of planDenoiseSteps(schedule, { steps, eta }).entries()) {
  const sample = trace.at(-1) as tf.Tensor4D;
  const noise = noiseAt(index + 1);
  const predict = (encoderHiddenStates: tf.Tensor3D): tf.Tensor4D =>
    unet(model.unet.config, model.unet.weights, {
      sample,
      timesteps: step.timestep,
      encoderHiddenStates,
    });
  const output =
    guidance > 1
      ? classifierFreeGuidance(predict(unconditional), predict(conditional), guidance)
      : predict(conditional);
  noises.push(noise);
  trace.push(takePolicyStep(schedule, step, sample, output, noise).previousSample);
}
const decoded = decodeLatents(
  model.vae.config,
  model.vae.weights,
  tf.div<tf.Tensor4D>(trace.at(-1) as tf.Tensor4D, model.vae.config.scalingFactor),
);
const images = tf.clipByValue<tf.Tensor4D>(tf.add<tf.Tensor4D>(tf.mul(decoded, 0.5), 0.5), 0, 1);

/** To the layout of diffusers, a step axis after the batch axis where there are several. */
const channelsFirst = (tensor: tf.Tensor4D): tf.Tensor => tf.transpose(tensor, [0, 3, 1, 2]);
const stored = (tensor: tf.Tensor) => float32Tensor(tensor.dataSync<'float32'>(), tensor.shape);
writeFileSync(
  options.out,
  writeSafetensors(
    [
      ['latents', stored(channelsFirst(noiseAt(0)))],
      ['noise', stored(tf.stack(noises.map(channelsFirst), 1))],
      ['trace', stored(tf.stack(trace.map(channelsFirst), 1))],
      ['images', stored(channelsFirst(images))],
    ],
    {
      model: options.model,
      prompts: JSON.stringify(prompts),
      settings: JSON.stringify({ steps, eta, guidance }),
    },
  ),
);
console.log(
  `${options.out}: ${String(count)} pictures, ${String(steps)} steps, eta ${String(eta)}, guidance ${String(guidance)}`,
);
