import { maximise } from './maximise';
import { cubeOf } from './space';

const names = [1, 2];

test('finds the top of a smooth function', () => {
  const cube = cubeOf({
    a: { scale: 'linear', min: 0, max: 1 },
    b: { scale: 'linear', min: 0, max: 1 },
    c: { scale: 'linear', min: 0, max: 1 },
  });
  const top = [0.237, 0.81, 1];
  const score = (point: readonly number[]) =>
    -point.reduce((sum, value, axis) => sum + (value - top[axis]!) ** 2, 0);
  const found = maximise(cube, score, { beside: [], names });
  found.forEach((value, axis) => expect(Math.abs(value - top[axis]!)).toBeLessThan(0.006));
  expect(maximise(cube, score, { beside: [], names })).toEqual(found);
});

test('finds a narrow top beside a point that it is told of', () => {
  const cube = cubeOf({ a: { scale: 'linear', min: 0, max: 1 } });
  const score = ([a = 0]: readonly number[]) => Math.max(0, 1 - Math.abs(a - 0.5004) * 1e3);
  const [found = 0] = maximise(cube, score, { beside: [[0.5]], names });
  expect(score([found])).toBeGreaterThan(0.5);
});

test('discrete keys get one of their values', () => {
  const cube = cubeOf({
    updates: { scale: 'integer', min: 1, max: 9 },
    method: { scale: 'choice', values: ['loop', 'ppo', 'grpo'] },
  });
  const score = (point: readonly number[]) => {
    const { updates, method } = cube.toSettings(point);
    return (method === 'ppo' ? 2 : 0) - Math.abs(Number(updates) - 7);
  };
  const found = maximise(cube, score, { beside: [], names });
  expect(cube.toSettings(found)).toEqual({ updates: 7, method: 'ppo' });
  expect(cube.snap(found)).toEqual(found);
});
