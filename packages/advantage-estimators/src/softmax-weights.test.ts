import { positiveAdvantages } from './positive-advantages';
import { softmaxWeights } from './softmax-weights';

const rewards = [[0.2, 0.5, 0.9, 0.4]];

test.each([
  { temperature: 5, expected: [0.096816, 0.4339, 3.20611, 0.263174] },
  { temperature: 0.2, expected: [0.94053, 0.998689, 1.081867, 0.978914] },
  { temperature: 0, expected: [1, 1, 1, 1] },
])('k · softmax(τr) for τ = $temperature', ({ temperature, expected }) => {
  for (const over of ['prompt', 'batch'] as const) {
    const [weights] = softmaxWeights(rewards, { temperature, over });
    weights!.forEach((weight, sample) => expect(weight).toBeCloseTo(expected[sample]!, 6));
  }
});

test('over a prompt its own rewards share a mean of 1, over the batch all do', () => {
  const mask = [
    [true, true, false],
    [true, false, false],
    [true, true, true],
  ];
  const batch = [
    [1, 2, NaN],
    [3, 0, 0],
    [2, 2, 0],
  ];
  const byPrompt = softmaxWeights(batch, { temperature: 1, over: 'prompt' }, mask);
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  expect(byPrompt.map((row) => Math.round(sum(row) * 1e9) / 1e9)).toEqual([2, 0, 3]);
  expect(byPrompt[0]![1]! / byPrompt[0]![0]!).toBeCloseTo(Math.E, 9);
  const over = softmaxWeights(batch, { temperature: 1, over: 'batch' }, mask);
  expect(sum(over.flat())).toBeCloseTo(6, 9);
  expect(over[1]![0]! / over[0]![0]!).toBeCloseTo(Math.E ** 2, 9);
  expect([over[0]![2], over[1]![1]]).toEqual([0, 0]);
});

test('a large temperature takes the best alone, without overflow, the image that QVPO chooses', () => {
  const [weights] = softmaxWeights([[1e6, 3e6, 2e6]], { temperature: 1e3, over: 'prompt' });
  expect(weights).toEqual([0, 3, 0]);
  const [advantages] = positiveAdvantages([[1e6, 3e6, 2e6]], { chosen: 1 });
  expect(advantages!.map(Math.sign)).toEqual(weights!.map(Math.sign));
  expect(softmaxWeights([[-1e6, -2e6]], { temperature: 1, over: 'batch' })).toEqual([[2, 0]]);
});

test('what makes no sense is refused', () => {
  for (const temperature of [-1, NaN, Infinity]) {
    expect(() => softmaxWeights(rewards, { temperature, over: 'prompt' })).toThrow(/temperature/);
  }
  expect(() => softmaxWeights([[1]], { temperature: 1, over: 'prompt' })).toThrow(
    /at least 2, got 1.*or use over: 'batch'/,
  );
  expect(softmaxWeights([[1], [1]], { temperature: 1, over: 'batch' })).toEqual([[1], [1]]);
});

test('weights over something else are refused', () => {
  const over = 'group' as 'prompt';
  expect(() => softmaxWeights(rewards, { temperature: 1, over })).toThrow(
    'over must be one of prompt, batch, got group.',
  );
});
