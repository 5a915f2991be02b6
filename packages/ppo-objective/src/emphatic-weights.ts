/** How the steps of a trajectory are weighed when samples come from another policy. */
import { checkOneOf } from './one-of';

export interface EmphaticWeightsOptions {
  /**
   * `trajectory`: interest at the first step alone and λ = 1, which weighs step t by Π_{s≤t} ρ_s, the gradient of the objective
   * from the start. `ace`: interest 1 at every step.
   */
  readonly interest: 'trajectory' | 'ace';
  /** λ_a in [0, 1], of `ace`: 0 is no emphasis, the weight of step t is then ρ_t. */
  readonly lambda?: number | undefined;
}

/**
 * Emphasis of ACE (Imani et al. 2018), as VOMPS (arXiv 2009.06548) weighs its gradients; written from memory, not verified, with a
 * discount of 1: F_t = ρ_{t−1} F_{t−1} + i_t, M_t = (1 − λ_a) i_t + λ_a F_t.
 *
 * @param ratios ρ_t of one trajectory's steps, in the order in which they were taken
 * @returns M_t: a row's gradient is weighed by ρ_t M_t
 * @throws RangeError when λ is not from 0 to 1, a ratio is not a number, or `interest` neither of these
 */
export function emphaticWeights(
  ratios: readonly number[],
  { interest, lambda = 1 }: EmphaticWeightsOptions,
): number[] {
  checkOneOf('interest', interest, ['trajectory', 'ace']);
  if (!(lambda >= 0 && lambda <= 1)) {
    throw new RangeError(`lambda must be a number from 0 to 1, got ${lambda}.`);
  }
  let followOn = 0;
  let before = 0;
  return ratios.map((ratio, step) => {
    if (Number.isNaN(ratio)) throw new RangeError(`The ratio of step ${step} is not a number.`);
    const own = interest === 'ace' || step === 0 ? 1 : 0;
    followOn = before * followOn + own;
    before = ratio;
    return interest === 'trajectory' ? followOn : (1 - lambda) * own + lambda * followOn;
  });
}
