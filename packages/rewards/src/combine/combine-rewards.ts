/** Several rewards as one number for each image. */
import { countFailures, type FailureCount } from '../failure-counts';
import { isFailure, isNotApplicable, type RewardResult } from '../reward';
import { ImageSum } from './image-sum';
import {
  createRunningMoments,
  type RunningMoments,
  type RunningMomentsState,
} from './running-moments';

/**
 * What is done to a reward's values before they are weighted:
 * - `none`: nothing.
 * - `{ factor, offset }`: factor · value + offset.
 * - `running-z-score`: over all values of the run so far, the new ones among them.
 * - `group-z-score`: over the k images of a prompt (GDPO, arXiv 2601.05242), so that every prompt
 *   counts alike, and rewards of any unit can be added.
 */
export type RewardScale =
  | 'none'
  | 'running-z-score'
  | 'group-z-score'
  | { readonly factor: number; readonly offset: number };

/**
 * What a failure means:
 * - `required`: nothing goes on without this reward.
 * - `mask`: the image has no reward, and the others of its group are compared without it.
 * - `optional`: the whole group does without this term, so that its images stay comparable.
 *
 * A reward that applies to no image of a group is left out of that group's sums, whatever the policy. One that applies to
 * some of them only leaves the others without what they are compared by, as a failure would: the policy says what then,
 * where `required` is `mask`, as nothing went wrong.
 */
export type FailurePolicy = 'required' | 'mask' | 'optional';

/** A reward's part in the sum. */
export interface RewardTerm {
  readonly name: string;
  /** 0 for a reward that is watched and never trained on; its failures then change nothing. */
  readonly weight: number;
  /** `mask` when left out. */
  readonly policy?: FailurePolicy | undefined;
  /** `none` when left out. */
  readonly scale?: RewardScale | undefined;
}

/** What a reward said about a batch. */
export interface TermScores {
  readonly name: string;
  /** As the reward gave them, one per image; NaN for a failure, and where it does not apply. */
  readonly values: readonly number[];
  /** Images on which it failed. */
  readonly failed: number;
  /** Images to which it does not apply. */
  readonly notApplicable: number;
  /** What the most frequent failure said, after the reward's name. */
  readonly failure?: string | undefined;
  /** The most frequent failures, at most three. */
  readonly failures: readonly FailureCount[];
}

export interface CombinedScores {
  /**
   * The weighted sum per image, for comparisons within its group: all images of a group have the same terms in their sums,
   * which may be fewer than other groups have. NaN where it has no reward, which is never a score.
   */
  readonly total: number[];
  /**
   * The same for every other use, such as means, memories and comparisons between groups: NaN also where an `optional`
   * term that applies to the group is missing from the sum.
   */
  readonly absolute: number[];
  /** Images without a total because a reward failed. */
  readonly failed: number;
  /** Images without a total because no reward applies to them, or not the same ones as to their group. */
  readonly notApplicable: number;
  /** In the order of the rewards. */
  readonly terms: readonly TermScores[];
}

/** What a checkpoint keeps: null for rewards whose scale remembers nothing. */
export type CombinationState = readonly (RunningMomentsState | null)[];

export interface Combination {
  /**
   * @param results of each reward, one per image
   * @param groups which images are compared with each other: a number or name per image
   * @throws RequiredRewardError when a `required` reward failed on an image
   * @throws RangeError when counts differ
   */
  combine(
    results: readonly (readonly RewardResult[])[],
    groups: readonly (number | string)[],
  ): CombinedScores;
  toJSON(): CombinationState;
  /** @throws RangeError for a state of other rewards */
  restore(state: CombinationState): void;
}

/** A reward that a run cannot do without failed. */
export class RequiredRewardError extends Error {
  override readonly name = 'RequiredRewardError';
}

const SCALES: readonly string[] = ['none', 'running-z-score', 'group-z-score'];
const POLICIES: readonly string[] = ['mask', 'optional', 'required'];

/** As in GRPO and TRL: against groups whose rewards hardly differ. */
const GROUP_EPSILON = 1e-4;

/**
 * Makes the sum Σ weight · scale(value) over the rewards that apply. An image without any term in its sum has no reward;
 * its sum is not 0.
 *
 * @throws RangeError for a weight or scale that is not finite, and for a scale or policy that there is none of
 */
export function createCombination(terms: readonly RewardTerm[]): Combination {
  for (const { name, weight, scale = 'none', policy = 'mask' } of terms) {
    if (typeof scale !== 'object' && !SCALES.includes(scale)) {
      throw new RangeError(
        `The scale of reward "${name}" must be one of ${SCALES.join(', ')} or a factor and an offset, got ${scale}.`,
      );
    }
    if (!POLICIES.includes(policy)) {
      throw new RangeError(
        `The policy of reward "${name}" must be one of ${POLICIES.join(', ')}, got ${policy}.`,
      );
    }
    const numbers = typeof scale === 'object' ? [weight, scale.factor, scale.offset] : [weight];
    if (numbers.every(Number.isFinite)) continue;
    throw new RangeError(`Weight and scale of reward "${name}" must be finite numbers.`);
  }
  let moments = momentsOf(terms);

  function scaled(index: number, values: readonly number[], groups: readonly number[][]): number[] {
    const scale = terms[index]?.scale ?? 'none';
    if (scale === 'none') return [...values];
    if (scale === 'group-z-score') return standardiseGroups(values, groups);
    if (typeof scale === 'object') {
      return values.map((value) => scale.factor * value + scale.offset);
    }
    const running = moments[index]!;
    running.add(values.filter((value) => !Number.isNaN(value)));
    return values.map((value) => running.standardise(value));
  }

  return {
    combine(results, groupOf) {
      checkCounts(terms, results, groupOf.length);
      const groups = groupIndices(groupOf);
      const scores = terms.map((term, index) => readResults(term, results[index]!));
      // Before anything is remembered of a batch that is not used.
      for (const [index, term] of terms.entries()) assertRequired(term, scores[index]!);
      const sums = groupOf.map(() => new ImageSum());
      for (const [index, { weight, policy = 'mask' }] of terms.entries()) {
        const parts = scaled(index, scores[index]!.values, groups);
        if (weight === 0) continue;
        for (const group of groups) {
          const said = group.map((image) => results[index]![image]!);
          if (said.every(isNotApplicable)) continue;
          if (policy === 'optional' && !said.every(({ ok }) => ok)) {
            for (const image of group) sums[image]!.leaveOut(said.some(isFailure));
            continue;
          }
          for (const [position, image] of group.entries()) {
            const result = said[position]!;
            if (result.ok) sums[image]!.add(weight * parts[image]!);
            else sums[image]!.mask(isFailure(result));
          }
        }
      }
      return {
        total: sums.map(({ total }) => total),
        absolute: sums.map(({ absolute }) => absolute),
        failed: sums.filter(({ missing }) => missing === 'failed').length,
        notApplicable: sums.filter(({ missing }) => missing === 'not-applicable').length,
        terms: scores,
      };
    },
    toJSON: () => moments.map((running) => running?.toJSON() ?? null),
    restore(state) {
      moments = momentsOf(terms, state);
    },
  };
}

/** One for each reward that has a running z-score. */
function momentsOf(
  terms: readonly RewardTerm[],
  state?: CombinationState,
): (RunningMoments | null)[] {
  if (state !== undefined && state.length !== terms.length) {
    throw new RangeError(
      `The state is of ${state.length} rewards, and there are ${terms.length}: go on with the rewards that it was made with.`,
    );
  }
  return terms.map(({ scale }, index) =>
    scale === 'running-z-score' ? createRunningMoments(state?.[index] ?? undefined) : null,
  );
}

function readResults({ name }: RewardTerm, results: readonly RewardResult[]): TermScores {
  const failures = countFailures(results);
  return {
    name,
    values: results.map((result) => (result.ok ? result.value : Number.NaN)),
    failed: results.filter(isFailure).length,
    notApplicable: results.filter(isNotApplicable).length,
    failure: failures[0] && `${name}: ${failures[0].message}`,
    failures,
  };
}

function assertRequired({ policy, weight }: RewardTerm, scores: TermScores): void {
  if (policy !== 'required' || weight === 0 || scores.failed === 0) return;
  throw new RequiredRewardError(
    `A required reward failed on ${scores.failed} of ${scores.values.length} images; ${scores.failure ?? ''}`,
  );
}

function checkCounts(
  terms: readonly RewardTerm[],
  results: readonly (readonly RewardResult[])[],
  images: number,
): void {
  const counts = results.map(({ length }) => length);
  if (counts.length === terms.length && counts.every((count) => count === images)) return;
  throw new RangeError(
    `Expected ${images} results of each of ${terms.length} rewards, got [${counts.join(', ')}].`,
  );
}

function groupIndices(groupOf: readonly (number | string)[]): number[][] {
  const groups = new Map<number | string, number[]>();
  for (const [image, key] of groupOf.entries()) {
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [image]);
    else group.push(image);
  }
  return [...groups.values()];
}

/** (value − mean) / (sample standard deviation + 1e-4) within each group; NaN stays. */
function standardiseGroups(values: readonly number[], groups: readonly number[][]): number[] {
  const standardised = values.map(() => Number.NaN);
  for (const group of groups) {
    const valid = group.filter((image) => !Number.isNaN(values[image]));
    const centre = valid.reduce((sum, image) => sum + values[image]!, 0) / valid.length;
    const squares = valid.reduce((sum, image) => sum + (values[image]! - centre) ** 2, 0);
    const deviation = valid.length < 2 ? 0 : Math.sqrt(squares / (valid.length - 1));
    for (const image of valid) {
      standardised[image] = (values[image]! - centre) / (deviation + GROUP_EPSILON);
    }
  }
  return standardised;
}
