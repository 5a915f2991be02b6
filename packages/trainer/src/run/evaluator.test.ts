import { join } from 'node:path';

import { readNewestCheckpoint } from '../run-folder/checkpoint-folder';
import { pairedGain } from '../statistics';
import { makeRunFolder, recordRun, type Recording, type RunFolder } from '../testing/tiny-run';
import { runLoop } from './loop';

let folder: RunFolder;
beforeAll(() => {
  folder = makeRunFolder();
});
afterAll(() => {
  folder.remove();
});

const forever = new AbortController().signal;
const SHORT = ['iterations=1', 'samples.count=0', 'algorithm.innerEpochs=1', 'evaluate.images=6'];
const names = ({ evaluations }: Recording) => evaluations.map(({ name }) => name);
/** Of the choices that were made, the scale with the highest mean. */
const highest = ({ evaluations }: Recording, when: string) =>
  evaluations
    .filter(({ name }) => name.startsWith(`choice-${when}`))
    .reduce((best, record) => (record.mean > best.mean ? record : best)).settings.guidance;

describe('the best guidance', () => {
  const guided = [
    ...SHORT,
    'evaluate.guidances=[4,8,1]',
    // Which is higher at some of these scales.
    'rewards.0.name=jpeg-compressibility',
  ];

  it('is found on other images than those it is measured on, before and after', async () => {
    const config = folder.configFor('guided', guided);
    const recording = recordRun();
    const { evaluation } = await runLoop(config, recording, forever);
    const { before, after, best } = evaluation;
    for (const [when, own, record] of [
      ['before', before!, best!.before],
      ['after', after!, best!.after!],
    ] as const) {
      const choices = recording.evaluations.filter(({ name }) => name.startsWith(`choice-${when}`));
      // The run's own scale first, and once.
      expect(choices.map(({ settings }) => settings.guidance)).toEqual([1, 4, 8]);
      // Half of the images, rounded up to an even number.
      expect(choices.map(({ rewards, trainedOn }) => [rewards.length, trainedOn])).toEqual(
        Array.from({ length: 3 }, () => [4, true]),
      );
      expect(choices[0]!.rewards).not.toEqual(own.rewards.slice(0, 4));
      const guidance = highest(recording, when);
      expect(record.settings).toEqual({ ...own.settings, guidance });
      expect(record.rewards.length).toBe(6);
      // Otherwise the test below, of what an evaluation at another scale is, would be of none.
      expect(guidance).not.toBe(1);
      expect(record.rewards).not.toEqual(own.rewards);
    }
    expect(best!.gain).toEqual(pairedGain(best!.before.rewards, best!.after!.rewards));
  }, 60_000);

  it('is that of the run where nothing else is to be tried, and is not looked for where not asked', async () => {
    const alone = recordRun();
    const config = folder.configFor('alone', [...SHORT, 'evaluate.guidances=[1]']);
    const { evaluation } = await runLoop(config, alone, forever);
    expect(names(alone)).toEqual(['before', 'after']);
    expect(evaluation.best).toEqual({
      before: evaluation.before,
      after: evaluation.after,
      gain: evaluation.gain,
    });
    const unasked = folder.configFor('unasked', [...SHORT, 'evaluate.guidances=[]']);
    expect((await runLoop(unasked, recordRun(), forever)).evaluation.best).toBeUndefined();
  }, 60_000);

  it('of a run that was ended while it was looked for is the same', async () => {
    const whole = await runLoop(folder.configFor('whole', guided), recordRun(), forever);
    const config = folder.configFor('ended', guided);
    const controller = new AbortController();
    const first = recordRun();
    const phase = (name: string): void => {
      if (name === 'evaluation choice-after-guidance-8') controller.abort();
    };
    await runLoop(config, { ...first, phase }, controller.signal);
    expect(names(first).at(-1)).toBe('choice-after-guidance-4');
    const second = recordRun();
    const { checkpoint } = readNewestCheckpoint(join(config.output, 'checkpoints'));
    const resumed = await runLoop(config, second, forever, {
      ...{ checkpoint, evaluations: first.evaluations },
      onDifference: (difference) => {
        throw new Error(difference);
      },
    });
    expect(names(second)[0]).toBe('choice-after-guidance-8');
    expect(resumed.evaluation).toEqual(whole.evaluation);
  }, 60_000);
});
