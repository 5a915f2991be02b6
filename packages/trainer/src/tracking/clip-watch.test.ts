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

test("so is that of a method of one's own", () => {
  expect(
    warningsOf(['algorithm.name=./mine.mjs#mine', 'algorithm.innerUpdates=2'], inert),
  ).toHaveLength(1);
});

test('a clip that held larger steps is not missed when the learning rate falls', () => {
  const watch = createClipWatch(resolveConfig({}, []));
  const warnings = Array.from({ length: 150 }, (_, index) =>
    watch({
      ...exampleIteration(index + 1),
      clipFraction: index < 70 ? 0.05 : 0,
      learningRate: 2e-3 * (1 - index / 180),
    }),
  ).filter((warning) => warning !== undefined);
  expect(warnings).toEqual([]);
});

test('a run that goes on knows what its clip did', () => {
  const earlier = [1, 2, 3].map((number) => ({ ...exampleIteration(number), clipFraction: 0 }));
  const watch = createClipWatch(resolveConfig({}, []), earlier);
  const later = [4, 5, 6, 7, 8, 9, 10].map((number) =>
    watch({ ...exampleIteration(number), clipFraction: 0 }),
  );
  expect(later.map((warning) => warning !== undefined)).toEqual([
    ...new Array<boolean>(6).fill(false),
    true,
  ]);
});

test('an acting clip, a short run, and an objective without a clip are not', () => {
  expect(
    warningsOf(
      [],
      inert.map((_, index) => (index % 5 === 0 ? 0.02 : 0)),
    ),
  ).toEqual([]);
  expect(warningsOf([], inert.slice(0, 9))).toEqual([]);
  expect(warningsOf(['algorithm.innerUpdates=1'], inert)).toEqual([]);
  const watch = createClipWatch(resolveConfig({}, []));
  for (const [index, clipFraction] of inert.entries()) {
    const record = { ...exampleIteration(index + 1), clipFraction };
    expect(watch({ ...record, clips: false })).toBeUndefined();
  }
});
