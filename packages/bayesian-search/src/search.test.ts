import { latinHypercube } from './latin-hypercube';
import { createSearch } from './search';
import type { SearchOptions } from './options';
import { cubeOf } from './space';
import type { Space } from './space';
import { carryOut, qualityOf, strategies } from './testing/carry-out';
import { branin, hartmann, tuning, tuningParts } from './testing/functions';
import { trueCurve } from './testing/true-curve';

const line: Space = { x: { scale: 'linear', min: 0, max: 1 } };

test('starts with a design, then improves and explains in turn', () => {
  const purposes = (options: SearchOptions, count: number) => {
    const search = createSearch(branin.space, options);
    return Array.from({ length: count }, () => {
      const { settings, purpose } = search.suggest();
      search.observe(settings, branin.gain(settings), 1);
      return purpose;
    });
  };
  const start = Array<string>(4).fill('start');
  expect(purposes({}, 8)).toEqual([...start, 'improve', 'explain', 'improve', 'explain']);
  expect(purposes({ every: 3, start: 2 }, 6)).toEqual([
    ...['start', 'start', 'improve', 'improve', 'explain', 'improve'],
  ]);
  expect(purposes({ every: 1 }, 6)).toEqual([...start, 'explain', 'explain']);
  expect(purposes({ every: Infinity }, 7)).toEqual([...start, 'improve', 'improve', 'improve']);
});

test('a search that was killed goes on as if it had not been', () => {
  const whole = carryOut(tuning, 'interleaved', { seed: 3, runs: 13 });
  const { observations } = whole.toJSON();
  for (const kept of [0, 5, 8, 9, 12]) {
    const text = JSON.stringify({ observations: observations.slice(0, kept) });
    const again = createSearch(
      tuning.space,
      { ...strategies.interleaved, seed: 3 },
      JSON.parse(text),
    );
    expect(again.suggest().settings).toEqual(observations[kept]!.settings);
    expect(again.suggest()).toEqual(again.suggest());
  }
  const other = createSearch(tuning.space, { seed: 4 });
  expect(other.suggest().settings).not.toEqual(observations[0]!.settings);
});

test('explaining turns may be about the curves themselves, and about some keys only', () => {
  const next = (options: SearchOptions) => {
    const search = createSearch(branin.space, { every: 1, ...options });
    for (let run = 0; run < 5; run += 1) {
      const { settings } = createSearch(branin.space, {}, search.toJSON()).suggest();
      search.observe(settings, branin.gain(settings), 5);
    }
    return search.suggest().settings;
  };
  const suggestions = [{}, { about: 'curves' }, { explain: ['x1'] }] as const;
  expect(new Set(suggestions.map((options) => JSON.stringify(next(options)))).size).toBe(3);
});

test('the curves of an additive function are its parts, up to a constant', () => {
  const search = createSearch(tuning.space);
  const cube = cubeOf(tuning.space);
  for (const point of latinHypercube(60, 4, { names: [0] })) {
    const settings = cube.toSettings(point);
    search.observe(settings, tuning.gain(settings), 1e-4);
  }
  for (const key of ['rate', 'k', 'weight', 'method'] as const) {
    const part = tuningParts[key] as (value: unknown) => number;
    const away = search.partialDependence(key).map(({ value, mean }) => mean - part(value));
    // Of 0.12, 0.06, 0.08 and 0.04 that the parts span.
    expect(Math.max(...away) - Math.min(...away)).toBeLessThan(0.005);
  }
});

test('the true curve of an additive function is the part and the mean of the others', () => {
  const values = [0, 0.3, 1];
  const [first = 0, ...rest] = trueCurve(tuning, 'weight', values);
  rest.forEach((value, index) =>
    expect(value - first).toBeCloseTo(tuningParts.weight(values[index + 1]!), 12),
  );
});

test('bands are wide where a key was not tried', () => {
  const search = createSearch({ x: line.x!, y: line.x! });
  for (const x of [0, 0.25, 0.5, 0.75, 1]) search.observe({ x, y: 0.5 }, Math.sin(5 * x), 0.01);
  const curve = search.partialDependence('y');
  const widths = curve.map(({ low, high }) => high - low);
  expect(Math.min(widths[0]!, widths.at(-1)!)).toBeGreaterThan(2 * widths[10]!);
  curve.forEach(({ mean, standardDeviation, low, high }) => {
    expect(high - mean).toBeCloseTo(1.959964 * standardDeviation, 5);
    expect(mean - low).toBeCloseTo(high - mean, 12);
  });
});

test('the best is what is believed to be, not the luckiest', () => {
  const search = createSearch(line);
  // Five runs at one place are worth 1 together; another says 1.3, give or take 1.
  for (const gain of [0.98, 1, 1.02, 1, 1]) search.observe({ x: 0.3 }, gain, 0.02);
  search.observe({ x: 0.4 }, 1.3, 1);
  for (const x of [0.7, 1]) search.observe({ x }, 0, 0.02);
  expect(search.best()!.settings).toEqual({ x: 0.3 });
  expect(Math.abs(search.best()!.mean - 1)).toBeLessThan(0.05);
  expect(search.best()!.standardDeviation).toBeLessThan(0.05);
});

test('failed runs are kept, keep the search away and do not touch the curves', () => {
  const search = createSearch(line, { seed: 1, every: Infinity });
  // The gain grows to the right, where everything fails.
  let failures = 0;
  for (let run = 0; run < 14; run += 1) {
    const { settings } = search.suggest();
    const x = Number(settings.x);
    if (x > 0.7) failures += 1;
    search.observe(settings, x > 0.7 ? NaN : x, 0.01);
  }
  const { observations } = search.toJSON();
  expect(observations).toHaveLength(14);
  expect(observations.filter(({ gain }) => gain === null)).toHaveLength(failures);
  expect(failures).toBeGreaterThan(0);
  expect(failures).toBeLessThanOrEqual(7);
  expect(Number(search.best()!.settings.x)).toBeGreaterThan(0.6);
  const alone = createSearch(line, { seed: 1 }, { observations: observations.filter(({ gain }) => gain !== null) }); // prettier-ignore
  expect(search.partialDependence('x')).toEqual(alone.partialDependence('x'));
});

test('while all have failed it goes where nothing was tried', () => {
  const search = createSearch(line, { start: 2 });
  expect(search.best()).toBeUndefined();
  expect(search.partialDependence('x')).toEqual([]);
  for (let run = 0; run < 6; run += 1) {
    const { settings, purpose } = search.suggest();
    expect(purpose).toBe('start');
    for (const other of search.toJSON().observations) {
      expect(Math.abs(Number(other.settings.x) - Number(settings.x))).toBeGreaterThan(0.05);
    }
    search.observe(settings, [NaN, Infinity, null][run % 3]!);
  }
  expect(search.best()).toBeUndefined();
  expect(search.toJSON().observations.every(({ gain }) => gain === null)).toBe(true);
  search.observe({ x: 0.5 }, 1, 0.1);
  expect(search.best()!.mean).toBeCloseTo(1, 9);
  expect(search.suggest().purpose).not.toBe('start');
});

test('gains that are all the same are no problem, nor are the same settings again', () => {
  const search = createSearch(line);
  for (let run = 0; run < 5; run += 1) search.observe({ x: 0.5 }, 0.25);
  expect(search.best()!.mean).toBeCloseTo(0.25, 9);
  expect(Number(search.suggest().settings.x)).not.toBe(0.5);
});

test('the unit of the gain does not matter', () => {
  const inUnits = (unit: number) => {
    const search = createSearch(branin.space, { seed: 2 });
    for (let run = 0; run < 7; run += 1) {
      const { settings } = search.suggest();
      search.observe(settings, unit * branin.gain(settings), 5 * unit);
    }
    return search;
  };
  const [plain, other] = [inUnits(1), inUnits(1024)];
  expect(other.toJSON().observations.map(({ settings }) => settings)).toEqual(
    plain.toJSON().observations.map(({ settings }) => settings),
  );
  expect(other.best()!.mean).toBeCloseTo(1024 * plain.best()!.mean, 6);
});

test.each([1e-300, 1e200])('gains of the size of %d are gains', (unit) => {
  const search = createSearch(line);
  [0, 0.25, 0.5, 1].forEach((x, run) => search.observe({ x }, run * unit, 0.1 * unit));
  expect(search.best()!.settings).toEqual({ x: 1 });
  expect(search.best()!.mean / unit).toBeCloseTo(3, 0);
});

test('a run that says nothing takes nothing from the others', () => {
  const search = createSearch(line);
  for (const x of [0, 0.5, 1]) search.observe({ x }, x, 0.01);
  search.observe({ x: 0.5 }, 0.4, 1e12);
  expect(search.best()!.settings).toEqual({ x: 1 });
  expect(search.best()!.standardDeviation).toBeLessThan(0.1);
});

test('what makes no sense is refused, and nothing of it is kept', () => {
  expect(() => createSearch(line, { every: 0 })).toThrow(/every .*at least 1, or Infinity.* got 0/);
  expect(() => createSearch(line, { every: 1.5 })).toThrow(/every/);
  expect(() => createSearch(line, { start: 0 })).toThrow(/start/);
  expect(() => createSearch(line, { grid: 1 })).toThrow(/grid .*at least 2/);
  expect(() => createSearch(line, { points: 0 })).toThrow(/points/);
  expect(() => createSearch(line, { seed: 0.5 })).toThrow(/seed/);
  expect(() => createSearch(line, { about: 'lines' as never })).toThrow(/about .*got lines/);
  expect(() => createSearch(line, { explain: ['y'] })).toThrow(/explain: y is no key.* x/);
  expect(() => createSearch(line, { explain: [] })).toThrow(/explain names no key/);
  const search = createSearch(line);
  expect(() => search.observe({ x: 2 }, 1, 0.1)).toThrow(/x must be a number from 0 to 1, got 2/);
  expect(() => search.observe({ x: 0.5 }, 1, -0.1)).toThrow(/standard error .*got -0.1/);
  expect(() => search.observe({ x: 0.5 }, 1, NaN)).toThrow(/standard error/);
  expect(() => search.partialDependence('y')).toThrow(/y is no key/);
  expect(search.toJSON()).toEqual({ observations: [] });
});

test.each([
  [{}, /list of observations/],
  [{ observations: [null] }, /Observation 0 .*no settings/],
  [{ observations: [{ settings: { x: 0 }, gain: 'much', standardError: 0 }] }, /got "much"/],
  [{ observations: [{ settings: { x: 9 }, gain: 1, standardError: 0 }] }, /x must be/],
  [{ observations: [{ settings: { x: 0 }, gain: 1, standardError: 'small' }] }, /standard error/],
])('a state that is none is refused: %j', (state, message) => {
  expect(() => createSearch(line, {}, state as never)).toThrow(message);
});

test('interleaved explains better than plain expected improvement and finds better than chance', () => {
  const runs = 16;
  const seeds = [0, 1, 2, 3];
  const quality = qualityOf(branin);
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [interleaved, improve, random] = (['interleaved', 'improve', 'random'] as const).map(
    (strategy) => {
      const reached = seeds.map((seed) => quality(carryOut(branin, strategy, { seed, runs })));
      return {
        curveError: mean(reached.map(({ curveError }) => curveError)),
        coverage: mean(reached.map(({ coverage }) => coverage)),
        regret: mean(reached.map(({ regret }) => regret)),
      };
    },
  );
  expect(interleaved!.curveError).toBeLessThan(improve!.curveError);
  expect(interleaved!.regret).toBeLessThan(random!.regret);
  expect(interleaved!.coverage).toBeGreaterThan(0.8);
});

test('the functions have their published tops', () => {
  expect(branin.gain({ x1: Math.PI, x2: 2.275 })).toBeCloseTo(branin.maximum, 6);
  expect(hartmann.gain({ x1: 0.114614, x2: 0.555649, x3: 0.852547 })).toBeCloseTo(hartmann.maximum, 6); // prettier-ignore
});
