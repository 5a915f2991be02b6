import type { Tensor } from '@tensorflow/tfjs-core';

declare global {
  namespace jest {
    interface Matchers<R> {
      /** See gradient-matcher.ts. */
      toBeGradient(expected: Tensor, tolerance: number): R;
      /** See gradient-matcher.ts. */
      toHaveFiniteDifferences(at: Tensor, tolerance: number, step?: number): R;
    }
  }
}
