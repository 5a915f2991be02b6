import { exampleHistory, exampleIteration } from '../testing/example-run';
import { thinned, withoutDistributions } from './run-history';

test('a long run is thinned evenly, and ends where it ends', () => {
  const numbers = (iterations: number, most: number) =>
    thinned(exampleHistory(iterations), most).iterations.map(({ iteration }) => iteration);
  expect(numbers(5, 10)).toEqual([1, 2, 3, 4, 5]);
  expect(numbers(10, 5)).toEqual([2, 4, 6, 8, 10]);
  expect(numbers(11, 5)).toEqual([2, 5, 8, 11]);
  expect(numbers(0, 5)).toEqual([]);
});

test('a record is kept without its distributions', () => {
  const record = exampleIteration(3);
  expect(record.ratioPerTimestep[0]).toHaveProperty('histogram');
  const kept = withoutDistributions(record);
  expect(kept.ratioPerTimestep[0]).not.toHaveProperty('histogram');
  expect(record).toMatchObject({ ...kept, rewards: record.rewards });
  expect(kept.rewards).toEqual([]);
});
