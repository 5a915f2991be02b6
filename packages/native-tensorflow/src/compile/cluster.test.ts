import { clusterOperations } from './cluster';
import type { Operation, Reference } from './operation';

/** `name: inputs` one after the other, inputs by position. */
function graph(...rows: (readonly [name: string, ...inputs: number[]])[]): Operation[] {
  return rows.map(([name, ...inputs]) => ({
    name,
    attributes: [],
    inputs: inputs.map((input): Reference => [input, 0]),
    outputs: [{ dtype: 1, shape: [] }],
    after: [],
  }));
}

/** Groups as lists of positions. */
function groups(operations: Operation[]): number[][] {
  const clusters = clusterOperations(operations);
  const known = [...new Set(clusters)].filter((cluster) => cluster >= 0);
  return known.map((cluster) =>
    [...clusters.keys()].filter((position) => clusters[position] === cluster),
  );
}

test('neighbours that can be fused are one group', () => {
  const operations = graph(
    ['Placeholder'],
    ['Exp', 0],
    ['Mul', 1, 0],
    ['MatMul', 2, 0],
    ['Neg', 3],
  );
  expect(groups(operations)).toEqual([[1, 2]]);
});

test('a path through something else keeps two apart', () => {
  // 1 → 2 → 3 with 2 a product, and 1 → 3 directly: 1 and 3 together would need 2 in their midst.
  const operations = graph(
    ['Placeholder'],
    ['Exp', 0],
    ['MatMul', 1, 1],
    ['Mul', 2, 1],
    ['Sqrt', 3],
  );
  expect(groups(operations)).toEqual([[3, 4]]);
});

test('groups that would depend on each other are not made', () => {
  // {1, 5} needs 4, which needs 3; {3, …} needs 2, which needs 1.
  const operations = graph(
    ['Placeholder'],
    ['Exp', 0],
    ['MatMul', 1, 1],
    ['Exp', 2],
    ['MatMul', 3, 3],
    ['Mul', 1, 4],
    ['Mul', 3, 5],
  );
  for (const group of groups(operations)) {
    expect([1, 3].every((position) => group.includes(position))).toBe(false);
    expect([1, 5].every((position) => group.includes(position))).toBe(false);
  }
  // 6 follows 5 at once, and may join it.
  expect(groups(operations)).toContainEqual([5, 6]);
});

test('one operation, or changes of shape alone, are not worth a group', () => {
  expect(groups(graph(['Placeholder'], ['Exp', 0]))).toEqual([]);
  expect(groups(graph(['Placeholder'], ['Reshape', 0], ['Reshape', 1], ['Exp', 2]))).toEqual([]);
});

test('every grouping of random graphs can be put in order', () => {
  let state = 7;
  const draw = (count: number) => {
    state = (state * 48271) % 2147483647;
    return state % count;
  };
  for (let round = 0; round < 50; round += 1) {
    const operations = graph(
      ['Placeholder'],
      ...Array.from({ length: 40 }, (_, index) => {
        const name = draw(3) === 0 ? 'MatMul' : 'Mul';
        return [name, draw(index + 1), draw(index + 1)] as const;
      }),
    );
    const clusters = clusterOperations(operations);
    // Kahn's algorithm over groups and single operations.
    const unit = (position: number) =>
      (clusters[position] ?? -1) < 0 ? position : 1000 + (clusters[position] ?? 0);
    const waitsFor = new Map<number, Set<number>>();
    operations.forEach((operation, position) => {
      const set = waitsFor.get(unit(position)) ?? new Set<number>();
      for (const [input] of operation.inputs as Reference[]) {
        if (unit(input) !== unit(position)) set.add(unit(input));
      }
      waitsFor.set(unit(position), set);
    });
    for (let left = waitsFor.size; left > 0; left = waitsFor.size) {
      for (const [name, set] of waitsFor) {
        if ([...set].every((other) => !waitsFor.has(other))) waitsFor.delete(name);
      }
      expect(waitsFor.size).toBeLessThan(left);
    }
  }
});
