/** What `doctor --model` says about memory, before anything large is loaded. */
import type { MemoryEstimate } from '../policy/memory-estimate';
import { UserError } from '../user-error';

export interface MemoryVerdict {
  /** For people to read. */
  readonly lines: readonly string[];
  /** Whether a batch of this many (image, denoise step) pairs can be learnt from at once. */
  readonly fits: (pairs: number) => boolean;
}

/**
 * @param available bytes that a process may have
 * @param evaluated images of an evaluation
 * @throws UserError for a model that cannot be drawn from, or learnt with, in that memory
 */
export function memoryVerdict(
  model: string,
  estimate: MemoryEstimate,
  available: number,
  evaluated: number,
): MemoryVerdict {
  const { weights, sample, update, checkpointedUpdate, decode, tiledDecode, picture } = estimate;
  const drawing = Math.max(sample, tiledDecode);
  if (drawing > available) {
    throw new UserError(
      `The model '${model}' needs about ${gigabytes(drawing)} to draw one image, and this machine has ${gigabytes(available)}; take a smaller model or image (--height, --width), or a machine with more memory`,
    );
  }
  if (checkpointedUpdate > available) {
    throw new UserError(
      `The model '${model}' needs about ${gigabytes(checkpointedUpdate)} to learn from one image, even with gradientCheckpointing, and this machine has ${gigabytes(available)}; it can be drawn from here, and learn at a smaller size (--height, --width) or on a machine with more memory`,
    );
  }
  const lines = [
    `weights           ${gigabytes(weights)}`,
    `drawing           ${gigabytes(sample)} for one image at a time`,
    `decoding          ${gigabytes(decode)} for one image, ${gigabytes(tiledDecode)} with memory.vaeTiles`,
    `learning          ${gigabytes(update)} for one pair of image and step, ${gigabytes(checkpointedUpdate)} with gradientCheckpointing`,
    `evaluating        ${gigabytes(evaluated * picture)} besides for the ${String(evaluated)} images of an evaluation`,
    `this machine has  ${gigabytes(available)}`,
  ];
  if (update > available) {
    lines.push('It can learn here with gradientCheckpointing=true and batch.update=1 alone.');
  }
  if (decode > available) lines.push('Images must be decoded with memory.vaeTiles=true.');
  const held = weights;
  return { lines, fits: (pairs) => held + pairs * (update - held) <= available };
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
