import { philox4x32 } from './philox';

const words = (text: string) => text.split(' ').map((word) => Number.parseInt(word, 16));

// kat_vectors of Random123 1.14, the lines "philox4x32 10".
test.each([
  {
    counter: '00000000 00000000 00000000 00000000',
    key: '00000000 00000000',
    block: '6627e8d5 e169c58d bc57ac4c 9b00dbd8',
  },
  {
    counter: 'ffffffff ffffffff ffffffff ffffffff',
    key: 'ffffffff ffffffff',
    block: '408f276d 41c83b0e a20bc7c6 6d5451fd',
  },
  {
    counter: '243f6a88 85a308d3 13198a2e 03707344',
    key: 'a4093822 299f31d0',
    block: 'd16cfe09 94fdcceb 5001e420 24126ea1',
  },
])('the known answer for counter $counter', ({ counter, key, block }) => {
  const [c0, c1, c2, c3] = words(counter);
  const [k0, k1] = words(key);
  expect(philox4x32([c0!, c1!, c2!, c3!], [k0!, k1!])).toEqual(words(block));
});

test.each([-1, 0.5, 2 ** 32, NaN])('refuses the word %d', (word) => {
  expect(() => philox4x32([word, 0, 0, 0], [0, 0])).toThrow(/0 to 2\^32 - 1/);
  expect(() => philox4x32([0, 0, 0, 0], [0, word])).toThrow(RangeError);
});
