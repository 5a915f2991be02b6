import { createProgramOrder, sideBySide } from './program-order';

/** What each operation waits for: `waits[3]` of the third, with its inputs beside it. */
function recorder() {
  const order = createProgramOrder();
  const waits: Record<number, readonly number[]> = {};
  const run = (operation: number, ...inputs: number[]): void => {
    waits[operation] = order.next(operation, inputs);
  };
  return { order, waits, run };
}

/** There from the start, as weights are. */
const WEIGHT = 100;

test('what has its inputs for some time waits for the operation before it', () => {
  const { waits, run } = recorder();
  run(0, WEIGHT);
  run(1, 0);
  run(2, 1, WEIGHT);
  // Three operations after the start, and three after the first: early enough to be held back.
  run(3, WEIGHT);
  run(4, 0, WEIGHT);
  // With an input that is new, nothing else is needed.
  run(5, 0, 4);
  run(6, 3);
  expect(waits).toEqual({ 0: [], 1: [], 2: [], 3: [2], 4: [3], 5: [], 6: [] });
});

test('what happens side by side waits for what was before it, and what comes after it for all of it', () => {
  const { order, waits, run } = recorder();
  order.follow(() => {
    for (const operation of [0, 1, 2]) run(operation, operation - 1);
    const results = sideBySide([10, 20], (first, index) => {
      run(first, WEIGHT);
      run(first + 1, first);
      return index;
    });
    expect(results).toEqual([0, 1]);
    run(30, WEIGHT);
    run(31, 11, 21);
  });
  expect(waits).toEqual({
    ...{ 0: [], 1: [], 2: [] },
    ...{ 10: [2], 11: [], 20: [2], 21: [] },
    ...{ 30: [11, 21], 31: [] },
  });
});

test('a side without operations changes nothing', () => {
  const { order, waits, run } = recorder();
  order.follow(() => {
    for (const operation of [0, 1, 2]) run(operation, operation - 1);
    sideBySide(['nothing', 'something'], (item) => {
      if (item === 'something') run(3, 2);
    });
    run(4, WEIGHT);
  });
  expect(waits[4]).toEqual([2, 3]);
});

test('outside of a compiled function it is map', () => {
  expect(sideBySide([3, 5], (item, index) => item * 10 + index)).toEqual([30, 51]);
});

test('a failure leaves no order behind', () => {
  const { order, waits, run } = recorder();
  expect(() => {
    order.follow(() => {
      throw new Error('stop');
    });
  }).toThrow('stop');
  sideBySide([0], () => {
    run(0);
  });
  run(1, 0);
  expect(waits[1]).toEqual([]);
});
