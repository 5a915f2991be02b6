/** Training from code: prompts and a function in, figures and weights out. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { encodePng } from '@loop-diffusion/rewards';
import { draw, train } from '@loop-diffusion/trainer';

/** The reward: any function of images and prompts that returns a number for each. Here: how red they are, in [0, 1]. */
const redness = (images) =>
  images.map(({ data }) => {
    const largest = data instanceof Uint8Array ? 255 : 1;
    let sum = 0;
    for (let i = 0; i < data.length; i += 3) sum += data[i];
    return sum / (data.length / 3) / largest;
  });

const controller = new AbortController();
process.once('SIGINT', () => controller.abort()); // ends the run with what was learnt until then

const { summary, weights } = await train({
  model: 'shapes', // or a diffusers folder, or hf:owner/name
  prompts: ['a red circle', 'two green squares', 'a blue square', 'three yellow triangles'],
  rewards: [redness],
  iterations: Number(process.argv[2] ?? 20),
  batch: { prompts: 4 },
  evaluate: { prompts: ['a purple circle', 'two orange triangles'], images: 8, guidances: [] },
  onIteration: ({ iteration, reward }) => console.log(iteration, reward.mean.toFixed(3)),
  signal: controller.signal,
});
console.log('gain', summary.evaluation.gain);

const folder = process.argv[3] ?? 'runs/from-code';
mkdirSync(folder, { recursive: true });
// As diffusers' load_lora_weights reads it.
writeFileSync(join(folder, 'pytorch_lora_weights.safetensors'), weights);

// The same prompt from the same noise, without and with what was learnt.
for (const [name, lora] of Object.entries({ before: undefined, after: weights })) {
  const { images } = await draw({ model: 'shapes', lora, prompts: ['a purple circle'] });
  writeFileSync(join(folder, `${name}.png`), await encodePng(images[0]));
}
