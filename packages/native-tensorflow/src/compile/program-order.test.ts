import { createProgramOrder, sideBySide } from './program-order';

test('each operation waits for the one before it', () => {
  const order = createProgramOrder();
  expect([0, 1, 2].map((operation) => order.next(operation))).toEqual([[], [0], [1]]);
});

test('what happens side by side waits for what was before it, and what comes after it for all of it', () => {
  const order = createProgramOrder();
  const waits: Record<number, readonly number[]> = {};
  const run = (operation: number) => {
    waits[operation] = order.next(operation);
  };
  order.follow(() => {
    run(0);
    const results = sideBySide([1, 3], (first, index) => {
      run(first);
      run(first + 1);
      return index;
    });
    expect(results).toEqual([0, 1]);
    run(5);
    run(6);
  });
  expect(waits).toEqual({ 0: [], 1: [0], 2: [1], 3: [0], 4: [3], 5: [2, 4], 6: [5] });
});

test('an item without operations changes nothing', () => {
  const order = createProgramOrder();
  order.follow(() => {
    order.next(0);
    sideBySide(['nothing', 'something'], (item) => item === 'something' && order.next(1));
    expect(order.next(2)).toEqual([0, 1]);
  });
});

test('outside of a compiled function it is map', () => {
  expect(sideBySide([3, 5], (item, index) => item * 10 + index)).toEqual([30, 51]);
});

test('a failure leaves no order behind', () => {
  const order = createProgramOrder();
  expect(() => {
    order.follow(() => {
      throw new Error('stop');
    });
  }).toThrow('stop');
  sideBySide([0], () => 0);
  expect(order.next(1)).toEqual([]);
});
