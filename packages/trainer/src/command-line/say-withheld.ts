/** How many images were not written, on stderr. */
import type { Output } from '../terminal/output';

/** @param safety the threshold that images had to reach */
export function sayWithheld(
  { images, withheld }: { readonly images: readonly unknown[]; readonly withheld: number },
  safety: number | undefined,
  output: Output,
): void {
  if (safety === undefined || withheld === 0) return;
  output.error.write(
    `Withheld ${String(withheld)} of ${String(images.length)} images: their probability of being safe for work, by nsfwjs, ` +
      `is below ${String(safety)}. Grey ones are in their place.\n`,
  );
}
