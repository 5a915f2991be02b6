import { parse } from 'yaml';

import { resolveConfig } from '../configuration/resolve-config';
import { exampleSummary } from '../testing/example-run';
import { modelCard, type ModelCardFacts } from './model-card';

function card(more: Partial<ModelCardFacts> = {}): string {
  return modelCard({
    config: resolveConfig({}),
    summary: exampleSummary(),
    base: { python: { name: '../../shapes' }, commandLine: 'shapes' },
    pictures: [{ prompt: 'a red circle', file: 'images/000-a-red-circle.png' }],
    samples: 'samples.png',
    curves: 'curves.png',
    ...more,
  });
}

/** As huggingface_hub finds it. */
function metadata(text: string): unknown {
  const found = /^(\s*---[\r\n]+)([\S\s]*?)([\r\n]+---(\r\n|\r|\n|$))/.exec(text);
  return parse(found?.[2] ?? '');
}

test('its metadata say what the adapter is and show its pictures', () => {
  expect(metadata(card({ baseModel: 'owner/name' }))).toEqual({
    base_model: 'owner/name',
    library_name: 'diffusers',
    pipeline_tag: 'text-to-image',
    tags: ['lora', 'text-to-image', 'diffusers', 'reinforcement-learning', 'loop-diffusion'],
    widget: [{ text: 'a red circle', output: { url: 'images/000-a-red-circle.png' } }],
  });
});

test('a base model that is a folder on this machine is no name on the Hub', () => {
  expect(metadata(card())).not.toHaveProperty('base_model');
});

test('says how it is used, with the settings of the training', () => {
  const text = card({ config: resolveConfig({ sampler: { steps: 20, guidance: 5 } }) });
  expect(text).toContain('pipeline.load_lora_weights(".")');
  expect(text).toContain('"a red circle", num_inference_steps=20, guidance_scale=5, eta=1');
  expect(text).toContain(
    "npx -p @loop-diffusion/trainer loop-diffusion sample --model shapes --lora . --prompt 'a red circle' \\\n  --steps 20 --eta 1 --guidance 5 --out drawn",
  );
});

test('a UNet that was trained as a whole is a fine-tuned model, and no adapter', () => {
  const config = resolveConfig({ lora: null, model: 'my-model' });
  const base = { python: { name: 'owner/name', revision: 'v2' }, commandLine: 'my-model' };
  const text = card({ config, baseModel: 'owner/name', base });
  expect(metadata(text)).toMatchObject({
    base_model: 'owner/name',
    base_model_relation: 'finetune',
    tags: ['text-to-image', 'diffusers', 'reinforcement-learning', 'loop-diffusion'],
  });
  expect(text).toContain('unet = UNet2DConditionModel.from_pretrained(".")');
  expect(text).toContain(
    'DiffusionPipeline.from_pretrained("owner/name", revision="v2", unet=unet)',
  );
  expect(text).toContain('sample --model my-model --unet . --prompt');
  expect(text).toContain('| trained | all weights of the UNet |');
  expect(text).not.toMatch(/lora|adapter|null/i);
});

test('shows the result with its errors, the base at other guidance, and the pictures', () => {
  const text = card();
  expect(text).toContain('over 256 images of held-out prompts');
  expect(text).toContain('| before | 0.652 ± 0.016 | 0.75 |');
  expect(text).toContain('| after | 0.804 ± 0.016 | 0.90 |');
  expect(text).toContain('| before, at its best guidance 2 | 0.795 ± 0.016 |');
  expect(text).toContain('| after, at its best guidance 1.5 | 0.831 ± 0.016 |');
  expect(text).toContain('| **paired gain** | **+0.036 ± 0.011** |');
  expect(text).toContain('| **paired gain** | **+0.152 ± 0.018** |');
  expect(text).toContain('](samples.png)');
  expect(text).toContain('](curves.png)');
  expect(text).not.toMatch(/undefined|NaN|\[object/);
});

test('says where the weights are an average of the run', () => {
  const row = '| weights | an exponential moving average';
  expect(card({ config: resolveConfig({ ema: { decay: 0.99 } }) })).toContain(
    `${row} over the run's optimizer steps, decay 0.99 |`,
  );
  expect(card()).not.toContain(row);
});

test('a run that was ended early, without evaluations or pictures, says so', () => {
  const summary = { ...exampleSummary(), iterations: 7, evaluation: {}, interrupted: true };
  const text = card({ summary, pictures: [], samples: undefined, curves: undefined });
  expect(text).toContain('ended after 7 of 150 iterations');
  expect(text).toContain('The run made no evaluation.');
  expect(text).not.toContain('![');
  expect(text).not.toContain('<Gallery');
  expect(metadata(text)).not.toHaveProperty('widget');
});

test.each([
  '---\nlicense: evil',
  'x\n---\n# heading',
  '"quoted" \'twice\'',
  'a: b # c',
  '`code` | <script>alert(1)</script>',
  '```\n# heading',
  '- [link](http://example.com)',
  '{a: &b *c}',
  'nul\u0000 bell\u0007 \u2028 \ufffe 円 😀',
])('neither a model nor a prompt called %j breaks it', (hostile) => {
  const config = resolveConfig({
    model: hostile,
    prompts: hostile,
    rewards: [{ name: hostile, weight: 2 }],
    lora: { targets: [hostile] },
  });
  const text = card({
    config,
    base: { python: { name: hostile }, commandLine: hostile },
    pictures: [{ prompt: hostile, file: 'images/000.png' }],
  });
  const shown = hostile.replace(/[\p{Cc}\p{Zl}\ufffe]+/gu, ' ');
  expect(metadata(text)).toEqual({
    library_name: 'diffusers',
    pipeline_tag: 'text-to-image',
    tags: expect.any(Array),
    widget: [{ text: shown, output: { url: 'images/000.png' } }],
  });
  const lines = text.split('\n');
  expect(lines.filter((line) => line === '---')).toHaveLength(2);
  expect(lines.filter((line) => line.startsWith('#'))).toHaveLength(4);
  expect(lines.filter((line) => line.startsWith('```'))).toHaveLength(6);
});

test('held-out is not said of prompts that were trained on', () => {
  const summary = exampleSummary();
  const { before, after, gain } = summary.evaluation;
  const trained = (record: typeof after) => record && { ...record, trainedOn: true };
  const evaluation = { before: trained(before), after: trained(after), gain };
  const text = card({ summary: { ...summary, evaluation } });
  expect(text).toContain('| reward on training prompts | all |');
  expect(text).toContain('images of training prompts');
  expect(text).toContain('![Training prompts: the base model beside');
  expect(text).not.toMatch(/held.?out/i);
});

test('names the prompts that the model did not read to their end', () => {
  const cutOffPrompts = { count: 2, prompt: 'a red fox and more', lost: 'and more' };
  const text = card({ summary: { ...exampleSummary(), cutOffPrompts } });
  expect(text).toContain(
    '| prompts longer than the model reads | 2, such as `a red fox and more`, whose end `and more` it never saw |',
  );
  expect(card()).not.toContain('longer than the model reads');
});
