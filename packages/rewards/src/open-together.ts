/** What holds memory that nobody else frees. */
interface Opened {
  dispose(): unknown;
}

/**
 * Opens what belongs together; when a later step fails, frees what is open by then, the last first.
 *
 * @param open calls `keep` with each thing as soon as it is open
 * @throws what `open` throws, once everything is freed
 */
export async function openTogether<T>(
  open: (keep: <One extends Opened>(one: One) => One) => Promise<T>,
): Promise<T> {
  const opened: Opened[] = [];
  try {
    return await open((one) => {
      opened.push(one);
      return one;
    });
  } catch (error) {
    for (const one of opened.reverse()) {
      // The first failure is the one to tell of.
      await Promise.resolve(one.dispose()).catch(() => undefined);
    }
    throw error;
  }
}
