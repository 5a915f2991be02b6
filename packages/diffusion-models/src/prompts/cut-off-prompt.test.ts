import { buildClipTokenizerFiles } from '../tokenizer/build-clip-tokenizer';
import { createClipTokenizer } from '../tokenizer/clip-tokenizer';
import { cutOffPrompt } from './cut-off-prompt';

const corpus = ['a red circle and a blue square left of a yellow triangle'];
const build = (maximumMerges: number) =>
  createClipTokenizer(buildClipTokenizerFiles(corpus, { maximumMerges, maxLength: 10 }));
const tokenizer = build(5000);

test('names the end of a prompt that the model does not see', () => {
  const begin = 'A red circle and a blue square ';
  expect(cutOffPrompt({ tokenizer }, begin)).toBe('');
  // Two prompts to a reward, and one to the model.
  expect(cutOffPrompt({ tokenizer }, `${begin}left of a Triangle`)).toBe('of a triangle');
  expect(cutOffPrompt({ tokenizer }, `${begin}left, near a circle`)).toBe(', near a circle');
});

test('of two text encoders, what neither sees', () => {
  const prompt = `${corpus[0] ?? ''} and a circle`;
  // Without merges a letter is a token.
  const tokenizer2 = build(0);
  expect(tokenizer2.cutOff(prompt).length).toBeGreaterThan(tokenizer.cutOff(prompt).length);
  for (const model of [
    { tokenizer, tokenizer2 },
    { tokenizer: tokenizer2, tokenizer2: tokenizer },
  ]) {
    expect(cutOffPrompt(model, prompt)).toBe('of a yellow triangle and a circle');
  }
});
