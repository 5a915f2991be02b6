/** softmax(query keyᵀ) value, and its gradient. */
import type * as tf from '@tensorflow/tfjs-core';
import { composedAttend, type AttentionSize } from './attend-composed';
import { differentiable } from './differentiable';
import { hasKernel, runKernel } from './operations/kernel';

export type { AttentionSize };

/**
 * softmax(query keyᵀ) value for each head, the queries already scaled, in memory that grows with the number of tokens and not
 * with its square.
 *
 * @param packed queries, keys and values, in this order, each of `channels` columns: side by side in one
 *   matrix `[batch · tokens, 3 · channels]`, or the queries by themselves and the other two in
 *   `[batch · contextTokens, 2 · channels]`
 * @returns `[batch · tokens, channels]`
 */
export function attend(packed: readonly tf.Tensor2D[], size: AttentionSize): tf.Tensor2D {
  return hasKernel('LoopAttention') ? attendByKernel(packed, size) : composedAttend(packed, size);
}

function attendByKernel(packed: readonly tf.Tensor2D[], size: AttentionSize): tf.Tensor2D {
  const attributes = { ...size };
  const inputsOf = ([queries, keysAndValues]: readonly (tf.Tensor | undefined)[]) => ({
    queries,
    keysAndValues,
  });
  return differentiable(inputsOf(packed), () => {
    const [y, logSums] = runKernel('LoopAttention', inputsOf(packed), attributes) as [
      tf.Tensor,
      tf.Tensor,
    ];
    return {
      value: y,
      saved: [y, logSums, ...packed],
      gradients: (dy, [savedY, savedLogSums, ...savedPacked]) => {
        const [queries, keysAndValues] = runKernel(
          'LoopAttentionGradient',
          { ...inputsOf(savedPacked), y: savedY, logSums: savedLogSums, dy },
          attributes,
        );
        return {
          queries: () => queries as tf.Tensor,
          keysAndValues: () => keysAndValues as tf.Tensor,
        };
      },
    };
  }) as tf.Tensor2D;
}
