import { DEFAULT_LIMITS, resolveLimits, type ServeLimits } from './limits';

it('keeps the defaults of what is not given', () => {
  expect(resolveLimits({ queue: 0 })).toEqual({ ...DEFAULT_LIMITS, queue: 0 });
});

it('holds what the largest request takes, unless it is told how much', () => {
  const maximumBodyBytes = 2 ** 29;
  expect(resolveLimits({ maximumBodyBytes }).maximumHeldBytes).toBe(2 ** 30 + 3 * 2 ** 26);
  expect(resolveLimits({ maximumBodyBytes, maximumHeldBytes: 1 }).maximumHeldBytes).toBe(1);
});

it.each([
  [{ maximumImages: 0 }, 'The limit "maximumImages" is 0; expected a whole number from 1'],
  [{ queue: 1.5 }, 'expected a whole number from 0'],
  [{ bodyMs: 2 ** 31 }, 'to 2147483647'],
  [{ images: 3 }, 'There is no limit "images"; expected one of maximumImages, '],
  [{ constructor: 3 }, 'There is no limit "constructor"'],
])('refuses %j', (limits, message) => {
  expect(() => resolveLimits(limits as Partial<ServeLimits>)).toThrow(message);
});
