import { openModelFiles } from './model-files';
import { fixture, golden, withModel } from './testing/golden';
import { openTextTokenizer } from './text-tokenizer';

const open = async (model: string, length?: number) =>
  openTextTokenizer('test', await openModelFiles('test', model), length);

it("gives CLIP's byte pairs, 77 at most with the end kept", async () => {
  const tokenizer = await open(fixture('clip'));
  const got = golden.prompts.map((prompt) => tokenizer.encode(prompt));
  expect(got).toEqual(golden.clip.ids);
  expect(Math.max(...got.map((ids) => ids.length))).toBe(77);
});

it("gives BERT's word pieces, 35 at most with the end kept", async () => {
  const tokenizer = await open(fixture('image-reward'), 35);
  const got = golden.prompts.map((prompt) => tokenizer.encode(prompt));
  expect(got).toEqual(golden['image-reward'].ids);
  expect(Math.max(...got.map((ids) => ids.length))).toBe(35);
});

it('pads to the longest of a batch', async () => {
  const tokenizer = await open(fixture('image-reward'), 35);
  const { ids, mask } = tokenizer.encodeBatch(['a red car', '']);
  expect(ids.dims).toEqual([2, 5]);
  const [start, end] = [golden['image-reward'].ids[5]![0]!, golden['image-reward'].ids[5]![1]!];
  expect([...ids.data].slice(5).map(Number)).toEqual([start, end, 0, 0, 0]);
  expect([...mask.data].map(Number)).toEqual([1, 1, 1, 1, 1, 1, 1, 0, 0, 0]);
});

it('takes an end in place of hours for a prompt that is none', async () => {
  const tokenizer = await open(fixture('clip'));
  expect(tokenizer.encode('x'.repeat(10_000_000))).toHaveLength(77);
});

it('reads a tokenizer that says nothing of padding', async () => {
  await withModel('clip', { 'tokenizer_config.json': '{}' }, async (folder) => {
    const tokenizer = await open(folder, 77);
    expect(tokenizer.encode(golden.prompts[0]!)).toEqual(golden.clip.ids[0]);
  });
});
