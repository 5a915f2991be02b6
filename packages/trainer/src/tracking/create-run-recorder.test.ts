import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { decodePicture } from '@loop-diffusion/rewards';
import sharp from 'sharp';

import { resolveConfig } from '../configuration/resolve-config';
import { createRunFolder, openRunFolder, type RunFolder } from '../run-folder/run-folder';
import { captureOutput } from '../testing/captured-output';
import { exampleEvaluation, exampleIteration, exampleSummary } from '../testing/example-run';
import { nothingDrawn } from '../testing/nothing-drawn';
import { readEventFile, type ReadEvent } from '../testing/read-event-file';
import { createRunRecorder } from './create-run-recorder';

// Vega cannot be loaded in jest; what it draws has a test of its own.
jest.mock('./curves', () => ({ renderCurves: () => Promise.resolve(new Uint8Array([1, 2, 3])) }));

const config = resolveConfig({ iterations: 2 }, []);

let base: string;
let folder: RunFolder;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
  folder = createRunFolder(join(base, 'run'));
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

function image(shade: number) {
  return { width: 8, height: 8, data: new Uint8Array(8 * 8 * 3).fill(shade) };
}

function readJsonLines(text: string): Record<string, unknown>[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('a whole run leaves its events, summary, curves and samples', async () => {
  const output = captureOutput();
  const recorder = createRunRecorder(folder, config, { json: true, quiet: false, output });
  expect(readdirSync(folder.path).sort()).toEqual(['config.yaml', 'events.jsonl', 'run.lock']);

  const prompts = ['a red circle', 'a <b> & "c"'];
  recorder.phase('rollout', 0.5);
  await recorder.evaluation(exampleEvaluation('before', 0.6));
  await recorder.sampleGrid('before', { images: [image(40), image(80)], prompts });
  recorder.iteration(exampleIteration(1), nothingDrawn);
  recorder.iteration(exampleIteration(2), nothingDrawn);
  await recorder.sampleGrid('after', { images: [image(120), image(160)], prompts });
  await recorder.evaluation(exampleEvaluation('after', 0.8));
  await recorder.finish(exampleSummary());
  recorder.close();
  recorder.close();

  const events = readJsonLines(readFileSync(join(folder.path, 'events.jsonl'), 'utf8'));
  expect(events.map(({ event }) => event)).toEqual(
    'start evaluation samples iteration iteration samples evaluation finish'.split(' '),
  );
  expect(events[0]).toMatchObject({ config: { iterations: 2 } });
  expect(events[1]).toMatchObject({ name: 'before', rewards: [0.1, 0.9] });
  expect(readJsonLines(output.outText())).toEqual(events);
  expect(output.errorText()).toBe('');

  const summary = JSON.parse(readFileSync(join(folder.path, 'summary.json'), 'utf8')) as ReturnType<
    typeof exampleSummary
  >;
  expect(summary.evaluation.gain).toEqual({ mean: 0.152, standardError: 0.018, count: 256 });
  expect(summary.evaluation.before).toMatchObject({ mean: 0.652, count: 256 });
  expect(summary.evaluation.before).not.toHaveProperty('rewards');

  expect([...readFileSync(join(folder.path, 'curves.png'))]).toEqual([1, 2, 3]);
  for (const name of ['samples/before.png', 'samples/after.png']) {
    const { format, width } = await sharp(join(folder.path, name)).metadata();
    expect(format).toBe('png');
    expect(width).toBeGreaterThan(300);
  }
  const leftover = readdirSync(folder.path, { recursive: true }).filter((name) =>
    String(name).endsWith('.tmp'),
  );
  expect(leftover).toEqual([]);
});

test('a later grid stands beside the first, and has the pixels of both', async () => {
  const output = captureOutput();
  const recorder = createRunRecorder(folder, config, { json: false, quiet: false, output });
  await recorder.sampleGrid('before', { images: [image(40)], prompts: ['a red circle'] });
  await recorder.sampleGrid('after', { images: [image(160)], prompts: ['a red circle'] });
  const { data } = await sharp(join(folder.path, 'samples/after.png'))
    .greyscale()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const count = (shade: number) => data.filter((value) => value === shade).length;
  expect(count(40)).toBeGreaterThanOrEqual(128 * 128);
  expect(count(160)).toBeGreaterThanOrEqual(128 * 128);
  expect(output.outText()).toContain('samples/after.png');
  recorder.close();
});

test('an alert keeps the images that were rewarded most', async () => {
  const output = captureOutput();
  const recorder = createRunRecorder(folder, config, { json: false, quiet: true, output });
  const drawn = {
    images: [image(10), image(20), image(30), image(40)],
    prompts: ['a cat', 'a cat', 'a dog', 'a dog'],
  };
  const draw = jest.fn(() => Promise.resolve(drawn));
  for (let iteration = 1; iteration <= 6; iteration += 1) {
    await recorder.iteration({ ...exampleIteration(iteration), atCeiling: 1 }, draw);
  }
  recorder.close();
  // Asked for where they are needed, since screening them takes time.
  expect(draw).toHaveBeenCalledTimes(1);
  const file = 'alerts/iteration-5.png';
  expect(readdirSync(join(folder.path, 'alerts'))).toEqual(['iteration-5.png']);
  const { width, height } = await decodePicture(readFileSync(join(folder.path, file)));
  expect(width * height).toBeGreaterThan(0);
  expect(output.errorText()).toContain(`for a reward that is won so easily`);
  expect(output.errorText()).toContain(`${folder.path}/${file}`);
  const events = readJsonLines(readFileSync(join(folder.path, 'events.jsonl'), 'utf8'));
  const warnings = events.filter(({ event }) => event === 'warning');
  expect(warnings).toEqual([expect.objectContaining({ iteration: 5, images: file })]);
});

test('a run that goes on compares with what it drew at first, before it was interrupted', async () => {
  const collapsed = { diversity: 0.01 };
  const iterations = Array.from({ length: 12 }, (_, index) => ({
    ...exampleIteration(index + 1),
    ...(index < 8 ? {} : collapsed),
  }));
  const output = captureOutput();
  const resumed = { iterations: 12, history: { iterations, evaluations: [] } };
  const recorder = createRunRecorder(folder, config, { json: false, quiet: true, output, resumed });
  for (let iteration = 13; iteration <= 18; iteration += 1) {
    await recorder.iteration({ ...exampleIteration(iteration), ...collapsed }, nothingDrawn);
  }
  recorder.close();
  expect(output.errorText()).toContain('the images of a prompt have become alike');
});

test('curves are drawn anew now and then', async () => {
  let time = 0;
  const recorder = createRunRecorder(folder, config, {
    json: false,
    quiet: true,
    output: captureOutput(),
    now: () => time,
  });
  recorder.iteration(exampleIteration(1), nothingDrawn);
  await recorder.evaluation(exampleEvaluation('iteration-1', 0.6));
  expect(existsSync(join(folder.path, 'curves.png'))).toBe(false);
  time = 61_000;
  recorder.iteration(exampleIteration(2), nothingDrawn);
  await recorder.evaluation(exampleEvaluation('iteration-2', 0.6));
  expect(existsSync(join(folder.path, 'curves.png'))).toBe(true);
  recorder.close();
});

function readTensorBoard(): ReadEvent[] {
  const tensorboard = join(folder.path, 'tensorboard');
  return readdirSync(tensorboard)
    .sort()
    .flatMap((name) => readEventFile(join(tensorboard, name)));
}

test('TensorBoard gets what the events say, at the same steps, also when a run goes on', async () => {
  const options = { json: false, quiet: true, output: captureOutput() };
  const first = createRunRecorder(folder, config, options);
  await first.evaluation(exampleEvaluation('before', 0.6));
  await first.sampleGrid('before', { images: [image(40)], prompts: ['a red circle'] });
  first.iteration(exampleIteration(1), nothingDrawn);
  first.iteration(exampleIteration(2), nothingDrawn);
  first.close();
  const grid = readFileSync(join(folder.path, 'samples/before.png'));
  const [, evaluation, samples, iteration] = readTensorBoard();
  expect(evaluation).toMatchObject({ step: 0, values: { 'held_out/mean': {} } });
  expect(samples!.step).toBe(0);
  expect(Buffer.compare(samples!.values['samples']!.image!.png, grid)).toBe(0);
  expect(iteration).toMatchObject({ step: 1, values: { rewards: { histogram: {} } } });

  folder = openRunFolder(folder.path);
  const second = createRunRecorder(folder, config, {
    ...options,
    resumed: { iterations: 1, history: { iterations: [exampleIteration(1)], evaluations: [] } },
  });
  await second.evaluation(exampleEvaluation('iteration-1', 0.7));
  second.iteration(exampleIteration(2), nothingDrawn);
  second.close();
  const steps = readTensorBoard().map(({ step, sessionStatus = 0 }) => [step, sessionStatus]);
  expect(steps.slice(5)).toEqual([
    [0, 0],
    [2, 1],
    [1, 0],
    [2, 0],
  ]);
});

test('a setting that makes little sense is warned of at the start', () => {
  const output = captureOutput();
  const odd = resolveConfig({}, ['algorithm.innerUpdates=1']);
  createRunRecorder(folder, odd, { json: true, quiet: true, output }).close();
  expect(output.errorText()).toMatch(/^Warning: algorithm\.innerUpdates is 1/);
  expect(output.outText()).toBe('');
});

test('says at first what is trained, and where it goes', () => {
  for (const [lora, words] of [
    [{ rank: 3 }, 'a LoRA adapter of rank 3'],
    [null, 'all weights of the UNet (lora: null)'],
  ] as const) {
    const output = captureOutput();
    createRunRecorder(folder, resolveConfig({ lora }), { json: false, quiet: false, output });
    expect(output.outText()).toContain(`Run: ${folder.path}, ${words}`);
  }
  folder.close();
});

test('evaluations on training prompts are called so, and warned of once', async () => {
  const output = captureOutput();
  const few = resolveConfig({ prompts: 'p.txt' });
  const recorder = createRunRecorder(folder, few, { json: false, quiet: false, output });
  const summary = exampleSummary();
  const before = { ...summary.evaluation.before!, trainedOn: true };
  const after = { ...summary.evaluation.after!, trainedOn: true };
  await recorder.evaluation(before);
  await recorder.evaluation(after);
  await recorder.finish({ ...summary, evaluation: { ...summary.evaluation, before, after } });
  recorder.close();
  expect(output.outText()).toContain('\nreward on training prompts before: 0.652');
  expect(output.outText()).toContain('Reward on training prompts over 256 images');
  expect(output.outText()).not.toMatch(/held.?out/i);
  expect(output.errorText().match(/prompts that are trained on/g)).toHaveLength(1);
  const [events] = readdirSync(join(folder.path, 'tensorboard'));
  const tags = readEventFile(join(folder.path, 'tensorboard', events!));
  const names = tags.flatMap(({ values }) => Object.keys(values));
  expect(names).toContain('training_prompts/mean');
  expect(names).toContain('training_prompts/gain');
  expect(names.join()).not.toContain('held_out');
});

test('prompts that the model does not read to their end are told, and kept as an event', () => {
  const output = captureOutput();
  const recorder = createRunRecorder(folder, config, { json: false, quiet: true, output });
  recorder.promptsCutOff({ count: 3, prompt: 'a long one', lost: 'one' });
  recorder.close();
  expect(output.errorText()).toContain(
    "3 prompts are longer than the model reads: of 'a long one'",
  );
  const events = readJsonLines(readFileSync(join(folder.path, 'events.jsonl'), 'utf8'));
  expect(events.at(-1)).toMatchObject({ event: 'warning', iteration: 0 });
});

test('a grid that cannot be drawn costs a warning', async () => {
  const output = captureOutput();
  const recorder = createRunRecorder(folder, config, { json: false, quiet: false, output });
  const broken = { width: 8, height: 8, data: new Uint8Array(1) };
  await recorder.sampleGrid('before', { images: [broken], prompts: ['a'] });
  await recorder.finish(exampleSummary());
  recorder.close();
  expect(output.errorText()).toContain('samples/before.png was not written');
});
