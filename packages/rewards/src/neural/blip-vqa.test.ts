import { scoreAll } from '../score-all';
import { blipVqa } from './blip-vqa';
import { fixture, golden, readImages } from './testing/golden';

const model = fixture('blip-vqa');
const { chunks, probabilities } = golden['blip-vqa'].blipVqa;

it.each(Object.keys(chunks))(
  'gives the probabilities that transformers gives: %s',
  async (prompt) => {
    const reward = await blipVqa({ model, batchSize: 2 });
    const images = await readImages();
    const results = await scoreAll(reward, { images, prompts: images.map(() => prompt) });
    for (const [index, result] of results.entries()) {
      const expected = probabilities[prompt]![index]!;
      if (!result.ok) throw new Error(result.message);
      expect(Object.keys(result.components!)).toEqual(chunks[prompt]);
      const got = Object.values(result.components!);
      // 3e-7 seen.
      for (const [chunk, value] of got.entries()) {
        expect(Math.abs(value - expected[chunk]!)).toBeLessThan(2e-6);
      }
      expect(result.value).toBe(got.reduce((product, value) => product * value, 1));
    }
    await reward.dispose?.();
  },
);

it('fails a prompt that names no thing, and none beside it', async () => {
  const reward = await blipVqa({ model });
  const images = (await readImages()).slice(0, 3);
  const prompts = ['', 'a red car', 'on the left'];
  const [empty, car, place] = await reward.score({ images, prompts });
  expect(empty).toMatchObject({ ok: false, kind: 'not-applicable', retryable: false });
  expect(place).toMatchObject({ ok: false, kind: 'not-applicable' });
  if (car?.ok !== true) throw new Error('no score');
  expect(Math.abs(car.value - probabilities['a red car']![1]![0]!)).toBeLessThan(2e-6);
  await reward.dispose?.();
});

it('asks for eight things at most, and for none that is a place', async () => {
  const things = [
    'The left',
    'the side',
    'top',
    ...Array.from('abcdefghij', (each) => `a ${each}`),
  ];
  const reward = await blipVqa({ model, chunks: () => things, chunksVersion: 'letters' });
  const [result] = await reward.score({ images: (await readImages()).slice(0, 1), prompts: ['x'] });
  expect(result?.ok && Object.keys(result.components!)).toEqual(things.slice(3, 11));
  expect(reward.version).toMatch(/-"letters"$/);
  await reward.dispose?.();
});

it('asks in lower case and without marks, as BLIP does', async () => {
  const images = (await readImages()).slice(0, 1);
  const reward = await blipVqa({ model, chunks: (prompt) => [prompt], chunksVersion: '1' });
  const [loud] = await reward.score({ images, prompts: ['A (red) "CAR"!  '] });
  expect(loud?.ok && Math.abs(loud.value - probabilities['a red car']![0]![0]!)).toBeLessThan(2e-6);
  await reward.dispose?.();
});

it('takes chunks with a version only', async () => {
  await expect(blipVqa({ model, chunks: () => [] })).rejects.toThrow('together, or neither');
});
