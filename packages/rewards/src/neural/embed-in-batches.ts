/**
 * Calls `embed` with at most `size` items at a time.
 *
 * @param signal looked at before each call
 */
export async function embedInBatches<Item, Row>(
  items: readonly Item[],
  size: number,
  embed: (batch: readonly Item[]) => Promise<Row[]>,
  signal?: AbortSignal,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (let start = 0; start < items.length; start += size) {
    signal?.throwIfAborted();
    rows.push(...(await embed(items.slice(start, start + size))));
  }
  return rows;
}
