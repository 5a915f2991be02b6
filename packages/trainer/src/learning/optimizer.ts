/** How gradients move the trained weights: what an update asks of an optimizer, and what a checkpoint keeps of one. */
import type * as tf from '@tensorflow/tfjs-core';

export interface Optimizer {
  /**
   * Weights, `[numbers of all variables]`, at which the gradient of the next step's minibatch is wanted as well; undefined
   * where one gradient is enough. The tensor is the optimizer's own, and is freed by the next step.
   */
  readonly previousWeights: tf.Tensor1D | undefined;
  /**
   * Moves the variables.
   *
   * @param gradient at the variables, `[numbers of all variables]` in their order; left to the caller to dispose of
   * @param learningRate of this step, as the schedule has it
   * @param gradientAtPrevious of the same minibatch at {@link previousWeights}, unless they are undefined; the caller's, too
   * @returns the gradient's 2-norm before clipping; where it is not finite no step was taken and nothing changed
   * @throws TypeError when there are previous weights, but no gradient at them
   */
  step(gradient: tf.Tensor1D, learningRate: number, gradientAtPrevious?: tf.Tensor1D): number;
  /** What the next step depends on besides the variables; the tensors are the caller's. */
  state(): OptimizerState;
  /**
   * Goes on from a state, whose tensors stay the caller's.
   *
   * @throws RangeError when it is of other variables or of another optimizer; nothing has changed then
   */
  restore(state: OptimizerState): void;
  /** Frees the state; the variables are not the optimizer's. */
  dispose(): void;
}

export interface OptimizerState {
  /** Steps that were taken. */
  readonly steps: number;
  readonly numbers: Readonly<Record<string, number>>;
  /** `[numbers of all variables]` each. */
  readonly tensors: Readonly<Record<string, tf.Tensor1D>>;
}

/**
 * The state's tensors by these names.
 *
 * @throws RangeError unless it has these alone, of so many numbers each
 */
export function stateTensors<const Name extends string>(
  { tensors }: OptimizerState,
  names: readonly Name[],
  size: number,
): Record<Name, tf.Tensor1D> {
  const known = new Set<string>(names);
  for (const name of Object.keys(tensors)) {
    if (known.has(name)) continue;
    throw ofAnother(`has '${name}', which is another's`);
  }
  const entries = names.map((name) => {
    const tensor = tensors[name];
    if (tensor === undefined) throw ofAnother(`has no '${name}'`);
    if (tensor.size === size) return [name, tensor] as const;
    throw new RangeError(
      `The optimizer's state is of ${tensor.size} numbers, but the variables have ${size}.`,
    );
  });
  return Object.fromEntries(entries) as Record<Name, tf.Tensor1D>;
}

/** @param what tells the state to be of another optimizer */
export function ofAnother(what: string): RangeError {
  return new RangeError(
    `The optimizer's state ${what}; optimizer.name must be that of the run that left it.`,
  );
}
