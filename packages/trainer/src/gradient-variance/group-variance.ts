/** The variance of an estimator as it is seen: over disjoint groups of k of a prompt's images. */
import type { ScoredImages } from './score-moments';

/** A group's gradient as a combination of score vectors, Σ weight s. */
interface GroupWeights {
  readonly images: readonly number[];
  readonly weights: readonly number[];
}

/** What an estimator makes of the rewards of a group: A, `[k]`. */
export type GroupAdvantages = (rewards: readonly number[]) => readonly number[];

/**
 * tr Var of (1/k) Σ A_i s_i over groups: the sample variance over the ⌊K/k⌋ disjoint groups that an order is cut into, unbiased
 * whatever the order, and therefore its mean over orders. Groups of different orders share images: the orders of a prompt are one
 * observation, and intervals come from the prompts.
 *
 * @param k at most half of the images
 * @param orders permutations of the images
 */
export function groupVariance(
  { rewards, gram }: ScoredImages,
  k: number,
  advantages: GroupAdvantages,
  orders: readonly (readonly number[])[],
): number {
  const count = rewards.length;
  let sum = 0;
  for (const order of orders) {
    const groups = groupsOf(rewards, k, advantages, order);
    const all = { images: order, weights: totalWeights(groups, order) };
    const squares = groups.reduce((total, group) => total + squareOf(group, gram, count), 0);
    sum += (squares - squareOf(all, gram, count) / groups.length) / (groups.length - 1);
  }
  return sum / orders.length;
}

/**
 * The mean gradient of the groups of all orders as a combination of score vectors.
 *
 * @returns weights of the images, `[K]`
 */
export function meanWeights(
  rewards: readonly number[],
  k: number,
  advantages: GroupAdvantages,
  orders: readonly (readonly number[])[],
): number[] {
  const images = rewards.map((_, image) => image);
  const groups = orders.flatMap((order) => groupsOf(rewards, k, advantages, order));
  return totalWeights(groups, images).map((weight) => weight / groups.length);
}

function groupsOf(
  rewards: readonly number[],
  k: number,
  advantages: GroupAdvantages,
  order: readonly number[],
): GroupWeights[] {
  return Array.from({ length: Math.floor(order.length / k) }, (_, group) => {
    const images = order.slice(group * k, (group + 1) * k);
    const given = advantages(images.map((image) => rewards[image]!));
    return { images, weights: given.map((advantage) => advantage / k) };
  });
}

/** @returns one weight for each of `images` */
function totalWeights(groups: readonly GroupWeights[], images: readonly number[]): number[] {
  const totals = new Map<number, number>();
  for (const group of groups) {
    for (const [index, image] of group.images.entries()) {
      totals.set(image, (totals.get(image) ?? 0) + group.weights[index]!);
    }
  }
  return images.map((image) => totals.get(image) ?? 0);
}

/** ‖Σ weight s‖² */
function squareOf({ images, weights }: GroupWeights, gram: Float64Array, count: number): number {
  let square = 0;
  for (let first = 0; first < images.length; first += 1) {
    const row = images[first]! * count;
    for (let second = 0; second < images.length; second += 1) {
      square += weights[first]! * weights[second]! * gram[row + images[second]!]!;
    }
  }
  return square;
}
