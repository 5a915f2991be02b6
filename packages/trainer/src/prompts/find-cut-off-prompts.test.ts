import { findCutOffPrompts } from './find-cut-off-prompts';

/** Sees five letters. */
const tokenizer = { cutOff: (prompt: string) => prompt.slice(5) };
const find = (...prompts: string[]) =>
  findCutOffPrompts({ tokenizer } as unknown as Parameters<typeof findCutOffPrompts>[0], prompts);

test('counts the different prompts whose end is lost, and shows the first', () => {
  expect(find('a', 'b cde')).toBeUndefined();
  expect(find('a', 'a long one', 'a long one', 'another')).toEqual({
    count: 2,
    prompt: 'a long one',
    lost: 'g one',
  });
});
