/** Where functions run compiled, and how long they stay so: a run's end with the run. */
import { createCompileScope, type Compiled } from '@loop-diffusion/native-tensorflow';

export interface Compute {
  /**
   * Calls a function, compiled where the backend can. Once compiled it serves all calls of the same shapes, so give the function
   * itself, which is a constant of its module, and not one that is made for the call.
   *
   * @param f a pure function of its tensors: see `compile` of native-tensorflow
   */
  run<Parameters extends readonly unknown[], Result>(
    f: (...values: Parameters) => Result,
    ...values: Parameters
  ): Result;
  /** Frees what was compiled, which `tf.memory()` does not count; a later call compiles again. */
  readonly dispose: () => void;
}

export function createCompute(): Compute {
  const scope = createCompileScope();
  const known = new Map<unknown, unknown>();
  return {
    run<Parameters extends readonly unknown[], Result>(
      f: (...values: Parameters) => Result,
      ...values: Parameters
    ): Result {
      const compiled =
        (known.get(f) as Compiled<Parameters, Result> | undefined) ?? scope.compile(f);
      known.set(f, compiled);
      return compiled(...values);
    },
    dispose() {
      scope.dispose();
    },
  };
}
