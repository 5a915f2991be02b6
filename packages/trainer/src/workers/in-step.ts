/** What one worker cannot do, none goes on with. */
import { UserError } from '../user-error';
import type { Workers } from './workers';

type Told<Value> = { readonly value: Value } | { readonly problem: string };

/**
 * Does a part of the work, and exchanges what comes of it.
 *
 * @returns what each worker has found, by rank
 * @throws its own error where it failed here, and otherwise a UserError that names the first worker where it did: in all, or in none
 */
export async function inStep<Value>(
  workers: Workers,
  work: () => Promise<Value>,
): Promise<Value[]> {
  if (workers.size === 1) return [await work()];
  let failure: unknown;
  let own: Told<Value>;
  try {
    own = { value: await work() };
  } catch (error) {
    failure = error;
    own = { problem: error instanceof Error ? error.message : String(error) };
  }
  const told = await workers.gather(own);
  if ('problem' in own) throw failure;
  return told.map((each, rank) => {
    if ('value' in each) return each.value;
    throw new UserError(`Worker ${String(rank)} cannot go on: ${each.problem}`);
  });
}
