/** How many trained weights a checkpoint can hold. */
import { MAXIMUM_FILE_BYTES } from '../run-folder/checkpoint-folder';
import { UserError } from '../user-error';

/** Two moments, and room for the header. */
const LARGEST_TRAINED = Math.floor(
  (MAXIMUM_FILE_BYTES - 4096) / (2 * Float32Array.BYTES_PER_ELEMENT),
);

/**
 * @param weights numbers that are trained
 * @throws UserError when they are more than a checkpoint can hold
 */
export function checkCheckpointSize(weights: number): void {
  if (weights <= LARGEST_TRAINED) return;
  const millions = (count: number): string => `${(count / 1e6).toFixed(0)} million`;
  throw new UserError(
    `lora is null, but this UNet has ${millions(weights)} weights, and a checkpoint holds their moments up to ${millions(LARGEST_TRAINED)}; train an adapter instead`,
  );
}
