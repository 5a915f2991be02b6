/** What was opened on the way to something larger, and is freed with it. */

export interface Owned {
  /** @param free called once, when all is freed */
  add(free: () => void | Promise<void>): void;
  /** Frees everything, what came last first; all tensors are freed when it returns its promise. What fails stops no other. */
  dispose(): Promise<void>;
}

export function createOwned(): Owned {
  const frees: (() => void | Promise<void>)[] = [];
  return {
    add(free) {
      frees.push(free);
    },
    async dispose() {
      await Promise.all(
        frees
          .splice(0)
          .reverse()
          .map(async (free) => free()),
      );
    },
  };
}
