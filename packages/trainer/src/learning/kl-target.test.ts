import { createKlTarget } from './kl-target';

/** The weights after each of these divergences. */
function weightsAfter(kls: readonly number[], adaptive = createKlTarget({ target: 2, weight: 1 })) {
  return kls.map((kl) => {
    adaptive.observe(kl);
    return adaptive.weight;
  });
}

test('the weight doubles above 1.5 times the target, halves below a 1.5th, and stays between', () => {
  expect(weightsAfter([3.01, 3, 2, 4 / 3, 1.33, 1, 5])).toEqual([2, 2, 2, 2, 1, 0.5, 1]);
});

test('a divergence that is not finite says nothing; one below 0, an estimate, is small', () => {
  expect(weightsAfter([Number.NaN, Infinity, -Infinity, -1])).toEqual([1, 1, 1, 0.5]);
});

test('the weight stays within ten doublings and halvings', () => {
  const adaptive = createKlTarget({ target: 2, weight: 0.3 });
  expect(weightsAfter(new Array<number>(12).fill(9), adaptive).slice(-4)).toEqual(
    [512, 1024, 1024, 1024].map((factor) => 0.3 * factor),
  );
  expect(weightsAfter(new Array<number>(22).fill(0), adaptive).slice(-4)).toEqual(
    [512, 1024, 1024, 1024].map((factor) => 0.3 / factor),
  );
});

test('goes on from a state, within its own bounds', () => {
  const adaptive = createKlTarget({ target: 2, weight: 1 });
  weightsAfter([9, 9], adaptive);
  const other = createKlTarget({ target: 2, weight: 1 });
  other.restore(adaptive.state());
  expect(other.weight).toBe(4);
  other.restore(1e9);
  expect(other.weight).toBe(1024);
});

test.each([0, -1, Number.NaN, Infinity])('%d is no target, weight or state', (value) => {
  const adaptive = createKlTarget({ target: 2, weight: 1 });
  for (const work of [
    () => createKlTarget({ target: value, weight: 1 }),
    () => createKlTarget({ target: 1, weight: value }),
    () => {
      adaptive.restore(value);
    },
  ]) {
    expect(work).toThrow(RangeError);
    expect(work).toThrow(`must be a finite number above 0, got ${value}`);
  }
  expect(adaptive.weight).toBe(1);
});
