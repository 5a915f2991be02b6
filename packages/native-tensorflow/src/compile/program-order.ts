/** In which order the operations of a compiled function run. */

/** Lets each operation wait for the one written before it. */
export interface ProgramOrder {
  /** @returns what the operation must wait for */
  next(operation: number): readonly number[];
  /** Runs `record`, in which {@link sideBySide} forks this order. */
  follow(record: () => void): void;
}

type Fork = <Item, Result>(
  items: readonly Item[],
  run: (item: Item, index: number) => Result,
) => Result[];

let fork: Fork | undefined;

/**
 * A graph by itself runs whatever has its inputs: the weights of all layers would be prepared, and the scores of all attention
 * heads made, before the first of them is used, and all be held at once. In the order of the program a compiled function
 * needs the memory that the program does.
 */
export function createProgramOrder(): ProgramOrder {
  let last: readonly number[] = [];
  const forkHere: Fork = (items, run) => {
    const before = last;
    const ends = new Set<number>();
    const results = items.map((item, index) => {
      last = before;
      const result = run(item, index);
      for (const end of last) ends.add(end);
      return result;
    });
    last = [...ends];
    return results;
  };
  return {
    next(operation) {
      const before = last;
      last = [operation];
      return before;
    },
    follow(record) {
      fork = forkHere;
      try {
        record();
      } finally {
        fork = undefined;
      }
    },
  };
}

/**
 * `items.map(run)` of which a compiled function may do the items' work at the same time, each on cores of its own; all else in
 * it happens in the order in which it is written. Outside of one, and on other backends, it is `items.map(run)`.
 */
export function sideBySide<Item, Result>(
  items: readonly Item[],
  run: (item: Item, index: number) => Result,
): Result[] {
  return fork === undefined ? items.map(run) : fork(items, run);
}
