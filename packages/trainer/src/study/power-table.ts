/** From the runs of a study: how many seeds a difference needs that another study is to see. */
import { UserError } from '../user-error';
import type { Outcome } from './outcome';
import {
  seedsFor,
  standardErrorOf,
  varianceComponents,
  type VarianceComponents,
} from './statistics/power';
import { difference, paired } from './statistics/scores';

export interface PowerRow {
  readonly left: string;
  readonly right: string;
  readonly components: VarianceComponents;
  /** By number of images; Infinity where no number of seeds does. */
  readonly needed: readonly { readonly images: number; readonly seeds: number }[];
  /** Of the difference as it was measured. */
  readonly standardError: number;
}

/**
 * @param effect the difference of two means that is to be found, above 0
 * @throws UserError where there are too few runs to tell
 */
export function powerTable(
  outcomes: readonly Outcome[],
  reference: string,
  effect: number,
): PowerRow[] {
  const runsOf = (name: string) =>
    outcomes.filter(({ variant, evaluations }) => variant === name && evaluations.length > 0);
  const others = [...new Set(outcomes.map(({ variant }) => variant))].filter(
    (name) => name !== reference,
  );
  const rows = others.flatMap((left): PowerRow[] => {
    const pairs = runsOf(left).flatMap((run) => {
      const other = runsOf(reference).find(({ seed }) => seed === run.seed);
      return other === undefined ? [] : [[rewardsOf(run), rewardsOf(other)] as const];
    });
    const differences = paired(
      pairs.map(([own]) => own),
      pairs.map(([, other]) => other),
      difference,
    );
    const images = (differences[0] ?? []).filter(
      (_, image) => !differences.some((row) => Number.isNaN(row[image] ?? Number.NaN)),
    ).length;
    if (pairs.length < 2 || images < 2) return [];
    const components = varianceComponents(differences);
    return [
      {
        ...{ left, right: reference, components },
        standardError: standardErrorOf(components, pairs.length, images),
        needed: [images, 2 * images, 4 * images].map((count) => ({
          images: count,
          seeds: seedsFor(effect, components, count),
        })),
      },
    ];
  });
  if (rows.length === 0) {
    throw new UserError(
      `A power calculation needs at least 2 seeds of '${reference}' and of another variant that are done, with held-out rewards of the same images; carry out the study with two seeds and evaluation.images first`,
    );
  }
  return rows;
}

function rewardsOf({ evaluations }: Outcome): readonly number[] {
  return evaluations.at(-1)?.record.rewards ?? [];
}
