import { evaluatedPrompts, evaluatedReward, evaluationKind } from './evaluation-words';

test('held-out is said only of prompts that were not trained on', () => {
  const words = [evaluationKind, evaluatedPrompts, evaluatedReward];
  expect(words.map((word) => word({ trainedOn: true })).join()).not.toMatch(/held.?out/i);
  for (const word of words) expect(word({})).toContain('held-out');
});
