import type { ImageQuality } from '@loop-diffusion/rewards';

import { resolveConfig } from '../configuration/resolve-config';
import type { IterationRecord } from '../run-folder/records';
import { exampleIteration } from '../testing/example-run';
import { createCollapseWatch } from './collapse-watch';

const config = resolveConfig(undefined);

function withQuality(change: Partial<ImageQuality>): Partial<IterationRecord> {
  return { quality: { ...exampleIteration(1).quality!, ...change } };
}

function warningsOver(iterations: number, change: (index: number) => Partial<IterationRecord>) {
  const watch = createCollapseWatch(config);
  return Array.from({ length: iterations }, (_, index) =>
    watch({ ...exampleIteration(index + 1), ...change(index) }),
  );
}

test('a run that goes well is left alone', () => {
  expect(warningsOver(150, () => ({})).flat()).toEqual([]);
});

test.each<[string, Partial<IterationRecord>, string]>([
  ['equal rewards', { zeroVarianceGroups: 16, groups: 16 }, 'were all equal'],
  ['a pinned clip', { clipFraction: 0.9 }, '90 % of the ratios were stopped'],
  ['a divergence', { approxKl: 0.05 }, 'approximate KL 0.05'],
  ['images that are alike', { diversity: 0.01 }, 'have become alike'],
  [
    'blurred images',
    withQuality({ sharpness: 100 }),
    'have become blurred (sharpness 100, at first',
  ],
  ['noisy images', withQuality({ sharpness: 4000 }), 'have become noisier'],
  ['grey images', withQuality({ colourfulness: 4 }), 'have become greyer'],
  ['loud images', withQuality({ saturation: 0.9 }), 'have become more saturated'],
  ['empty images', withQuality({ jpegBytesPerPixel: 0.1 }), 'have become emptier'],
  ['a reward at its ceiling', { atCeiling: 0.95 }, '95 % of the images have the largest reward'],
])('%s: said once, after five iterations', (_, sign, text) => {
  const warnings = warningsOver(30, (index) => (index < 10 ? {} : sign));
  expect(warnings.flat()).toEqual([expect.stringContaining(text)]);
  expect(warnings.findIndex((each) => each.length > 0)).toBe(14);
});

test('one bad iteration is none', () => {
  const bad = { clipFraction: 1, approxKl: 1, diversity: 0, atCeiling: 1 };
  expect(warningsOver(50, (index) => (index % 5 === 4 ? bad : {})).flat()).toEqual([]);
});

test('a run that goes on after its collapse remembers what it drew at first', () => {
  const records = Array.from({ length: 20 }, (_, index) => ({
    ...exampleIteration(index + 1),
    ...(index < 10 ? {} : { diversity: 0.01 }),
  }));
  const goOn = (from: number) => {
    const watch = createCollapseWatch(config, records.slice(0, from));
    return records.slice(from).flatMap(watch);
  };
  expect(goOn(13)).toEqual([expect.stringContaining('have become alike')]);
  // It was warned of before.
  expect(goOn(17)).toEqual([]);
});
