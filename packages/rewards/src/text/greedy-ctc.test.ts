import { greedyCtc } from './greedy-ctc';

const SYMBOLS = ['', 'a', 'b', ' '];

/** Probabilities in which each step gives one symbol 0.7 and each other 0.1. */
function steps(...likeliest: number[]): Float32Array {
  return Float32Array.from(
    likeliest.flatMap((index) => SYMBOLS.map((_, other) => (other === index ? 0.7 : 0.1))),
  );
}

it('merges repetitions and drops blanks', () => {
  expect(greedyCtc(steps(0, 1, 1, 0, 1, 2, 3, 2, 0, 0), SYMBOLS).text).toBe('aab b');
});

it('scores the mean of what it keeps', () => {
  const probabilities = Float32Array.from([0.1, 0.9, 0, 0, 0.3, 0.2, 0.5, 0, 1, 0, 0, 0]);
  const { text, score } = greedyCtc(probabilities, SYMBOLS);
  expect(text).toBe('ab');
  // Of float32 numbers.
  expect(score).toBeCloseTo(0.7, 7);
});

it('reads nothing from blanks', () => {
  expect(greedyCtc(steps(0, 0), SYMBOLS)).toEqual({ text: '', score: 0 });
});
