/** What `doctor --model` says about memory, before anything large is loaded. */
import type { MemoryEstimate, MemoryEstimates } from '../policy/memory-estimate';
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
 * @throws UserError for a model that cannot be drawn from, or learnt with, in that memory, whatever is set
 */
export function memoryVerdict(
  model: string,
  { memory, narrow }: MemoryEstimates,
  available: number,
  evaluated: number,
): MemoryVerdict {
  const { weights, sample, decode, tiledDecode, picture } = memory;
  const drawing = Math.max(narrow.sample, narrow.tiledDecode);
  if (drawing > available) {
    throw new UserError(
      `The model '${model}' needs about ${gigabytes(drawing)} to draw one image, and this machine has ${gigabytes(available)}; take a smaller model or image (--height, --width), or a machine with more memory`,
    );
  }
  const ways = waysToLearn(memory, narrow);
  const [least] = ways.map(({ bytes }) => bytes).sort((a, b) => a - b);
  if (least === undefined || least > available) {
    throw new UserError(
      `The model '${model}' needs about ${gigabytes(least ?? 0)} to learn from one image, even with gradientCheckpointing and memory.frozenWeights=bfloat16, and this machine has ${gigabytes(available)}; it can be drawn from here, and learn at a smaller size (--height, --width) or on a machine with more memory`,
    );
  }
  const lines = [
    `weights           ${gigabytes(weights)}, ${gigabytes(narrow.weights)} with memory.frozenWeights=bfloat16`,
    `drawing           ${gigabytes(sample)} for one image at a time`,
    `decoding          ${gigabytes(decode)} for one image, ${gigabytes(tiledDecode)} with memory.vaeTiles`,
    'learning from one pair of image and step, the adapter merged while images are drawn',
    ...ways.map(({ settings, bytes }) => `  ${gigabytes(bytes).padEnd(9)}${settings}`),
    `evaluating        ${gigabytes(evaluated * picture)} besides for the ${String(evaluated)} images of an evaluation`,
    `this machine has  ${gigabytes(available)}`,
  ];
  const [plain] = ways;
  const first = ways.find(({ bytes }) => bytes <= available);
  if (first !== undefined && first !== plain) {
    lines.push(`It can learn here with ${first.settings} and batch.update=1.`);
  }
  if (decode > available) lines.push('Images must be decoded with memory.vaeTiles=true.');
  const whole = plain?.bytes ?? Infinity;
  return { lines, fits: (pairs) => weights + pairs * (whole - weights) <= available };
}

interface WayToLearn {
  /** As they are set; of the first, nothing. */
  readonly settings: string;
  readonly bytes: number;
}

/** From the fastest and most exact on. Images are drawn in any case, with the adapter merged. */
function waysToLearn(memory: MemoryEstimate, narrow: MemoryEstimate): WayToLearn[] {
  const checkpointing = 'gradientCheckpointing=true';
  const frozen = 'memory.frozenWeights=bfloat16';
  return [
    { settings: 'as it is', bytes: Math.max(memory.update, memory.rollout) },
    { settings: checkpointing, bytes: Math.max(memory.checkpointedUpdate, memory.rollout) },
    { settings: frozen, bytes: Math.max(narrow.update, narrow.rollout) },
    {
      settings: `${checkpointing} ${frozen}`,
      bytes: Math.max(narrow.checkpointedUpdate, narrow.rollout),
    },
  ];
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
