/** Numbers of which the smallest comes out first. */
export interface MinimumHeap {
  push(value: number): void;
  /** @returns undefined when there is none */
  pop(): number | undefined;
}

/** A binary heap: `push` and `pop` take the logarithm of its size in steps. */
export function createMinimumHeap(): MinimumHeap {
  const values: number[] = [];
  const at = (index: number): number => values[index] ?? Infinity;
  return {
    push(value) {
      let index = values.length;
      for (
        let parent = (index - 1) >> 1;
        index > 0 && at(parent) > value;
        parent = (index - 1) >> 1
      ) {
        values[index] = at(parent);
        index = parent;
      }
      values[index] = value;
    },
    pop() {
      const [smallest] = values;
      const last = values.pop();
      if (last === undefined || values.length === 0) return smallest;
      let index = 0;
      for (;;) {
        const left = 2 * index + 1;
        const child = at(left + 1) < at(left) ? left + 1 : left;
        if (at(child) >= last) break;
        values[index] = at(child);
        index = child;
      }
      values[index] = last;
      return smallest;
    },
  };
}
