/** What a run says of its prompts: which it holds out, and which its model does not read to their end. */
import { writeFileSync } from 'node:fs';

import { makeRunFolder, recordRun, type RunFolder } from '../testing/tiny-run';
import { runLoop } from './loop';

let folder: RunFolder;
beforeAll(() => {
  folder = makeRunFolder();
});
afterAll(() => {
  folder.remove();
});

const forever = new AbortController().signal;
const SHORT = ['iterations=1', 'samples.count=0', 'algorithm.innerEpochs=1'];

test('prompts that are set aside are evaluated and not trained on', async () => {
  const config = folder.configFor('held-out', SHORT);
  const texts = Array.from(
    { length: 20 },
    (_, index) => `circle ${String.fromCharCode(97 + index)}`,
  );
  writeFileSync(config.prompts, texts.join('\n'));
  const recording = recordRun();
  const summary = await runLoop(config, recording, forever);
  expect(recording.evaluations.map(({ name }) => name)).toEqual(['before', 'after']);
  for (const record of recording.evaluations) expect(record.trainedOn).toBeUndefined();
  expect(summary.cutOffPrompts).toBeUndefined();
}, 60_000);

test('where they are trained on, and where they are too long, both are told', async () => {
  const config = folder.configFor('trained-on', SHORT);
  const long = 'a red circle '.repeat(60).trim();
  writeFileSync(config.prompts, `a red circle\n${long}\n`);
  const recording = recordRun();
  const told: unknown[] = [];
  const summary = await runLoop(
    config,
    Object.assign(recording, { promptsCutOff: (found: unknown) => void told.push(found) }),
    forever,
  );
  for (const record of recording.evaluations) expect(record.trainedOn).toBe(true);
  expect(summary.evaluation.after?.trainedOn).toBe(true);
  expect(summary.cutOffPrompts).toMatchObject({ count: 1, prompt: long });
  expect(told).toEqual([summary.cutOffPrompts]);
}, 60_000);
