/** What no compiler looked at: options of the wrong kind, each answered in a sentence before any work. */
import { draw } from './draw';
import { evaluate } from './evaluate';
import { train } from './train';

const model = 'shapes';
const prompts = ['a red circle'];

test.each([
  [undefined, 'train: it takes an object of options'],
  [{ rewards: 'shapes' }, 'train: rewards must be a list with at least one of: a function'],
  [{ rewards: [null] }, 'train: rewards must be a list'],
  [{ rewards: [{ reward: 3 }] }, 'train: rewards must be a list with at least one of'],
  [{ prompts: {} }, 'train: prompts must be shapes, a text file, or a list of at least one prompt'],
  [{ prompts: [{ text: 'a', family: 3 }] }, 'train: prompts must be'],
  [{ sinks: [{ onIteration: () => undefined }] }, 'train: sinks must be a list of objects with'],
  [{ sinks: {} }, 'train: sinks must be a list'],
  [{ signal: 3 }, 'train: signal must be an AbortSignal'],
  [{ onIteration: 'x' }, 'train: onIteration must be a function'],
  [{ resume: 'yes' }, 'train: resume must be true or false'],
  [{ output: '' }, 'train: output must be a folder'],
  [{ evaluate: 3 }, 'train: evaluate must be an object'],
  [{ batch: { prompts: 1e12 } }, 'batch.prompts is 1000000000000, but must be'],
  [{ batch: { prompts: 60_000 }, algorithm: { k: 60_000 } }, '3600000000 images an iteration'],
])('train refuses %j', async (options, sentence) => {
  await expect(train(options as never)).rejects.toThrow(sentence);
});

test.each([
  [undefined, 'draw: it takes an object of options'],
  [
    { model, promts: prompts },
    "draw: prompts must be a list of at least one prompt, none of them empty; it takes no option 'promts' (did you mean prompts?)",
  ],
  [{ model, prompts, step: 99 }, "draw: it takes no option 'step' (did you mean steps?)"],
  [{ model, prompts: 'abc' }, 'draw: prompts must be a list'],
  [{ model, prompts: [] }, 'draw: prompts must be a list'],
  [{ model: null, prompts }, 'draw: model must be a diffusers folder, hf:owner/name, or shapes'],
  [{ model, prompts, count: Number.NaN }, 'draw: count must be a whole number'],
  [{ model, prompts, lora: [new Uint8Array(1)] }, 'draw: lora must be a file'],
  [{ model, prompts, scheduler: 'foo' }, 'draw: scheduler must be one of ddim'],
  [{ model, prompts, height: 1e6 }, 'draw: height must be a whole number of pixels up to 8192'],
  [{ model, prompts, latents: 3 }, 'draw: latents must be {shape, values}'],
])('draw refuses %j', async (options, sentence) => {
  await expect(draw(options as never)).rejects.toThrow(sentence);
});

test.each([
  [{ model, prompts }, 'evaluate: reward must be a function, a reward'],
  [{ model, prompts, reward: 'shapes', images: 0 }, 'evaluate: images must be a whole number'],
  [{ model, prompts, reward: 'shapes', out: 'x' }, "evaluate: it takes no option 'out'"],
])('evaluate refuses %j', async (options, sentence) => {
  await expect(evaluate(options as never)).rejects.toThrow(sentence);
});
