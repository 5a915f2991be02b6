import * as mdp from '@loop-diffusion/diffusion-mdp';

import { promptsAt, shuffled, type TaggedPrompt } from './prompt-order';

jest.mock('@loop-diffusion/diffusion-mdp', () => {
  const actual = jest.requireActual<typeof mdp>('@loop-diffusion/diffusion-mdp');
  return { ...actual, counterUniform: jest.fn(actual.counterUniform) };
});

const prompts: TaggedPrompt[] = [
  ...['a', 'b', 'c'].map((text) => ({ text, family: 'letters' })),
  ...['1', '2'].map((text) => ({ text, family: 'digits' })),
];
const texts = (start: number, count: number, seed = 0) =>
  promptsAt(prompts, seed, start, count).map(({ text }) => text);

describe('promptsAt', () => {
  it('lets families take turns and repeats no prompt before all of its family have come', () => {
    const drawn = promptsAt(prompts, 3, 0, 12);
    expect(drawn.map(({ family }) => family)).toEqual(
      Array.from({ length: 12 }, (_, index) => (index % 2 === 0 ? 'letters' : 'digits')),
    );
    const letters = drawn.filter(({ family }) => family === 'letters').map(({ text }) => text);
    expect(letters.slice(0, 3).sort()).toEqual(['a', 'b', 'c']);
    expect(letters.slice(3).sort()).toEqual(['a', 'b', 'c']);
  });

  it('is one endless order, however it is cut into iterations', () => {
    expect([...texts(0, 7), ...texts(7, 5)]).toEqual(texts(0, 12));
  });

  it('takes prompts without a family as one', () => {
    const plain = ['x', 'y'].map((text) => ({ text }));
    const drawn = promptsAt(plain, 0, 0, 4).map(({ text }) => text);
    expect(drawn.slice(0, 2).sort()).toEqual(['x', 'y']);
    expect(drawn.slice(2).sort()).toEqual(['x', 'y']);
  });

  it('shuffles anew in each round and for each seed', () => {
    const many = Array.from({ length: 30 }, (_, index) => ({ text: String(index) }));
    const round = (seed: number, start: number) =>
      promptsAt(many, seed, start, 30)
        .map(({ text }) => text)
        .join();
    expect(round(0, 0)).not.toBe(round(0, 30));
    expect(round(0, 0)).not.toBe(round(1, 0));
  });

  it('shuffles a family once, however many of its prompts are asked for', () => {
    const many = Array.from({ length: 30 }, (_, index) => ({ text: String(index) }));
    const draws = jest.mocked(mdp.counterUniform).mockClear();
    promptsAt(many, 0, 0, 20);
    expect(draws).toHaveBeenCalledTimes(1);
    promptsAt(many, 0, 20, 20);
    expect(draws).toHaveBeenCalledTimes(3);
  });
});

describe('shuffled', () => {
  it('puts each number in each place equally often', () => {
    const rounds = 6000;
    const counts = new Array<number>(6).fill(0);
    for (let prompt = 0; prompt < rounds; prompt += 1) {
      const order = shuffled(3, { seed: 1, prompt, sample: 0, step: 0 });
      const index = (order[0] ?? 0) * 2 + ((order[1] ?? 0) > (order[2] ?? 0) ? 1 : 0);
      counts[index] = (counts[index] ?? 0) + 1;
    }
    // Each of the 6 permutations 1000 times, with a standard deviation of √(6000 · 1/6 · 5/6) = 29.
    for (const count of counts) expect(Math.abs(count - rounds / 6)).toBeLessThan(5 * 29);
  });
});
