import { resolveConfig } from '../configuration/resolve-config';
import { exampleIteration } from '../testing/example-run';
import { createClipWatch } from './clip-watch';

function warningsOf(overrides: string[], clipFractions: number[]): string[] {
  const watch = createClipWatch(resolveConfig({}, overrides));
  return clipFractions
    .map((clipFraction, index) => watch({ ...exampleIteration(index + 1), clipFraction }))
    .filter((warning) => warning !== undefined);
}

const inert = new Array<number>(30).fill(0);

test('a clip that never acts is warned of once', () => {
  const warnings = warningsOf([], inert);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain('clipRange');
});

test('an acting clip, a short run, and an objective without a clip are not', () => {
  expect(
    warningsOf(
      [],
      inert.map((_, index) => (index % 5 === 0 ? 0.02 : 0)),
    ),
  ).toEqual([]);
  expect(warningsOf([], inert.slice(0, 9))).toEqual([]);
  expect(warningsOf(['algorithm.name=rloo'], inert)).toEqual([]);
  expect(warningsOf(['algorithm.innerUpdates=1'], inert)).toEqual([]);
});
