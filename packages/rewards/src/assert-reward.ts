import { describeValue } from './describe-value';
import type { Reward } from './reward';

/**
 * Says what keeps something from being a {@link Reward}: a whole sentence after "Reward NAME", such as
 * `has the range [1, 0]; expected …`.
 *
 * @returns nothing for a reward
 */
export function rewardProblem(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) {
    return `is ${describeValue(value)}; expected an object with name, version, range, batchSize and score`;
  }
  const { name, version, range, batchSize, concurrency, scope, score } = value as Partial<
    Record<keyof Reward, unknown>
  >;
  const wrong = (what: string, found: unknown, expected: string) =>
    `has the ${what} ${describeValue(found)}; expected ${expected}`;
  if (typeof name !== 'string' || name === '') return wrong('name', name, 'a text');
  if (typeof version !== 'string') return wrong('version', version, 'a text');
  if (typeof score !== 'function') {
    return wrong('score', score, 'a function of { images, prompts }');
  }
  const problem = rangeProblem(range);
  if (problem !== undefined) return problem;
  if (!isCount(batchSize)) {
    return wrong('batch size', batchSize, 'a whole number of at least 1');
  }
  if (concurrency !== undefined && !isCount(concurrency)) {
    return wrong('concurrency', concurrency, 'a whole number of at least 1');
  }
  if (scope !== undefined && scope !== 'image' && scope !== 'group') {
    return wrong('scope', scope, 'image or group');
  }
  return undefined;
}

/** @throws {RangeError} for what is no reward: a mistake of the program, not of a picture */
export function assertReward(reward: Reward): void {
  const problem = rewardProblem(reward);
  if (problem === undefined) return;
  const { name } = (reward as Partial<Reward> | null | undefined) ?? {};
  throw new RangeError(`Reward ${JSON.stringify(name ?? '')} ${problem}.`);
}

/**
 * An open end is an infinite number, as everywhere in code. `null` is what JSON has in its place; compared
 * with a score it would count as 0, so it is refused here rather than read as one or the other.
 */
function rangeProblem(range: unknown): string | undefined {
  if (Array.isArray(range) && range.length === 2) {
    const [least, most] = range as unknown[];
    if (typeof least === 'number' && typeof most === 'number' && least <= most) return undefined;
  }
  const shown = Array.isArray(range) ? `[${range.map(String).join(', ')}]` : describeValue(range);
  return (
    `has the range ${shown}; expected [least, most], two numbers of which the first is not the larger, ` +
    '-Infinity and Infinity where there is no limit'
  );
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}
