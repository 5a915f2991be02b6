/** A weight of the divergence that keeps it near a target. */

export interface KlTarget {
  /** For the next update. */
  readonly weight: number;
  /** @param kl divergence of the last minibatch before its step, in the target's unit; one that is not finite says nothing */
  observe(kl: number): void;
  /** What to go on from. */
  state(): number;
  /** @throws RangeError unless it is a finite number above 0 */
  restore(state: number): void;
}

/** The weight stays within so many doublings and halvings of what it began with: a target out of reach would drive it to 0 or ∞. */
const DOUBLINGS = 10;

/**
 * The adaptive penalty of PPO (Schulman et al. 2017, arXiv:1707.06347, section 4): the weight is doubled after a divergence
 * above 1.5 · target, halved after one below target / 1.5, and stays otherwise. The bounds, 2¹⁰ either way, are not the paper's.
 *
 * @param options.target the divergence aimed at, above 0
 * @param options.weight to begin with, above 0
 * @throws RangeError when one of them is not a finite number above 0
 */
export function createKlTarget({
  target,
  weight: start,
}: {
  readonly target: number;
  readonly weight: number;
}): KlTarget {
  checkPositive('The target of a divergence', target);
  checkPositive('The weight that a divergence begins with', start);
  let weight = start;
  const within = (value: number): number =>
    Math.min(Math.max(value, start * 2 ** -DOUBLINGS), start * 2 ** DOUBLINGS);
  return {
    get weight() {
      return weight;
    },
    observe(kl) {
      if (kl > 1.5 * target && kl < Infinity) weight = within(2 * weight);
      else if (kl < target / 1.5 && kl > -Infinity) weight = within(weight / 2);
    },
    state: () => weight,
    restore(state) {
      checkPositive('The state of a divergence weight', state);
      weight = within(state);
    },
  };
}

function checkPositive(name: string, value: number): void {
  if (value > 0 && value < Infinity) return;
  throw new RangeError(`${name} must be a finite number above 0, got ${value}.`);
}
