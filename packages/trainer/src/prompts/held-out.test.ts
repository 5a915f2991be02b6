import { splitPrompts } from './held-out';

const texts = (count: number) => Array.from({ length: count }, (_, index) => `prompt ${index}`);

test('a tenth is set aside, and nothing is in both parts or lost', () => {
  const { training, heldOut } = splitPrompts(texts(200), 0.1)!;
  expect(heldOut).toHaveLength(20);
  expect(new Set([...training, ...heldOut])).toEqual(new Set(texts(200)));
  expect(training).toHaveLength(180);
});

test('the texts decide, whatever their order and number', () => {
  const split = splitPrompts(texts(100), 0.1)!;
  const turned = splitPrompts(texts(100).reverse(), 0.1)!;
  expect([...turned.heldOut].sort()).toEqual([...split.heldOut].sort());
  // A file that grows keeps most of what it held out: what leaves made room for newcomers.
  const grown = splitPrompts(texts(110), 0.1)!;
  expect(split.heldOut.filter((text) => grown.heldOut.includes(text)).length).toBeGreaterThan(7);
});

test('a text that is there twice is on one side', () => {
  const { training, heldOut } = splitPrompts([...texts(40), ...texts(40)], 0.25)!;
  expect(heldOut).toHaveLength(10);
  expect(training).toHaveLength(60);
  expect(training.filter((text) => heldOut.includes(text))).toEqual([]);
});

test('at least 8 are set aside and left, or none', () => {
  expect(splitPrompts(texts(16), 0.1)).toMatchObject({ heldOut: { length: 8 } });
  expect(splitPrompts(texts(15), 0.1)).toBeUndefined();
  expect(splitPrompts(texts(40), 0.9)).toBeUndefined();
  expect(splitPrompts(texts(40), 0)).toBeUndefined();
  expect(splitPrompts(new Array<string>(50).fill('the same'), 0.1)).toBeUndefined();
});
