import fc from 'fast-check';

import { seededRandom } from '../testing/images';
import { FAMILIES, type ShapesPrompt } from './prompt';
import {
  allPrompts,
  evaluationPrompts,
  HELD_OUT_COMBINATIONS,
  heldOutPrompts,
  samplePrompts,
  TRAINING_COMBINATIONS,
  trainingPrompts,
} from './prompt-sets';

function combinations(prompts: readonly ShapesPrompt[]): Set<string> {
  return new Set(
    prompts.flatMap(({ objects }) => objects.map(({ colour, shape }) => `${colour} ${shape}`)),
  );
}

function countFamilies(prompts: readonly ShapesPrompt[]): number[] {
  return FAMILIES.map((family) => prompts.filter((prompt) => prompt.family === family).length);
}

describe('prompt sets', () => {
  it('share no combination of colour and shape between training and evaluation', () => {
    const training = combinations(trainingPrompts());
    const heldOut = combinations(heldOutPrompts());
    expect([...training].filter((combination) => heldOut.has(combination))).toEqual([]);
    expect(training.size).toBe(TRAINING_COMBINATIONS.length);
    expect(heldOut.size).toBe(HELD_OUT_COMBINATIONS.length);
    expect(training.size + heldOut.size).toBe(18);
  });

  it('have every family, and the same number of prompts of each, on both sides', () => {
    expect(countFamilies(trainingPrompts())).toEqual(countFamilies(heldOutPrompts()));
    for (const count of countFamilies(trainingPrompts())) expect(count).toBeGreaterThan(0);
  });

  it('hold no prompt twice, and all prompts contain both sides', () => {
    const texts = allPrompts().map(({ text }) => text);
    expect(new Set(texts).size).toBe(texts.length);
    const known = new Set(texts);
    for (const { text } of [...trainingPrompts(), ...heldOutPrompts()]) {
      expect(known.has(text)).toBe(true);
    }
  });
});

describe('samplePrompts', () => {
  it('balances the families for any count and seed', () => {
    const prompts = trainingPrompts();
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 }), fc.integer(), (count, seed) => {
        const drawn = samplePrompts(prompts, count, seededRandom(seed));
        expect(drawn).toHaveLength(count);
        const counts = countFamilies(drawn);
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      }),
      { numRuns: 50 },
    );
  });

  it('repeats no prompt before a family is used up', () => {
    const drawn = samplePrompts(trainingPrompts(), 75, seededRandom(3));
    expect(new Set(drawn.map(({ text }) => text)).size).toBe(75);
  });

  it('draws only from families that occur', () => {
    const numeracy = trainingPrompts().filter(({ family }) => family === 'numeracy');
    const drawn = samplePrompts(numeracy, 40, seededRandom(1));
    expect(drawn.every(({ family }) => family === 'numeracy')).toBe(true);
  });

  it('refuses nothing to draw from and impossible counts', () => {
    expect(() => samplePrompts([], 1, Math.random)).toThrow('no prompts');
    expect(() => samplePrompts(trainingPrompts(), -1, Math.random)).toThrow('count is -1');
    expect(() => samplePrompts(trainingPrompts(), 1.5, Math.random)).toThrow('count is 1.5');
  });
});

describe('evaluationPrompts', () => {
  it('is always the same balanced list of held-out prompts', () => {
    const prompts = evaluationPrompts(256);
    expect(evaluationPrompts(256)).toEqual(prompts);
    expect(evaluationPrompts(64)).toEqual(prompts.slice(0, 64));
    expect(countFamilies(prompts).sort()).toEqual([51, 51, 51, 51, 52]);
    const heldOut = new Set(heldOutPrompts().map(({ text }) => text));
    expect(prompts.every(({ text }) => heldOut.has(text))).toBe(true);
  });

  it('stays the same over versions, or their results could not be compared', () => {
    expect(evaluationPrompts(5).map(({ text }) => text)).toEqual([
      'a dotted yellow circle',
      'a blue circle below a red square',
      'a red square and a blue triangle',
      'a red circle',
      'three green triangles',
    ]);
  });
});
