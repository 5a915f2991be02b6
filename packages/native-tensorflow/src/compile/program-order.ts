/** In which order the operations of a compiled function run. */
import { sharedState, type Fork } from '../shared-state';

/** Keeps operations from running long before their turn. */
export interface ProgramOrder {
  /**
   * @param inputs the operations that it has its inputs from; none for what is there from the start
   * @returns what else the operation must wait for
   */
  next(operation: number, inputs: readonly number[]): readonly number[];
  /** Runs `record`, in which {@link sideBySide} forks this order. */
  follow(record: () => void): void;
}

/** An operation whose inputs are no further back than this needs no holding back. */
const NEAR = 3;

/**
 * A graph by itself runs whatever has its inputs: the weights of all layers would be prepared, and the scores of all attention
 * heads made, before the first of them is used, and all be held at once. What has had its inputs for some time waits for the
 * operation that is written before it, so that a compiled function needs about the memory that the program does. The others
 * are left free, for what TensorFlow makes of neighbours that nothing else waits for.
 */
export function createProgramOrder(): ProgramOrder {
  let last: readonly number[] = [];
  /** How many operations were before each, on its own side. */
  const turns = new Map<number, number>();
  const turnAfter = (operations: readonly number[]): number =>
    Math.max(0, ...operations.map((operation) => 1 + (turns.get(operation) ?? -1)));
  const state = sharedState();
  const forkHere: Fork = (items, run) => {
    const before = last;
    const aloneBefore = state.alone;
    const ends = new Set<number>();
    state.alone ||= items.length > 1;
    try {
      return items.map((item, index) => {
        last = before;
        const result = run(item, index);
        for (const end of last) ends.add(end);
        return result;
      });
    } finally {
      state.alone = aloneBefore;
      last = [...ends];
    }
  };
  return {
    next(operation, inputs) {
      const before = last;
      const turn = turnAfter(before);
      turns.set(operation, turn);
      last = [operation];
      return turn - turnAfter(inputs) >= NEAR ? before : [];
    },
    follow(record) {
      state.fork = forkHere;
      try {
        record();
      } finally {
        state.fork = undefined;
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
  const { fork } = sharedState();
  return fork === undefined ? items.map(run) : fork(items, run);
}
