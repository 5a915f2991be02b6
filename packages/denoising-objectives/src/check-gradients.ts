import * as tf from '@tensorflow/tfjs-core';

/**
 * Says in time what TensorFlow.js only says when a gradient is half computed ("gradient function not found for Sum"): its core
 * alone has no gradients of its operations.
 *
 * @throws Error when a gradient is being taken and there are none
 */
export function checkGradients(): void {
  // Whoever has registered gradients has registered that of a product.
  const known = tf.getGradient(tf.Multiply) as tf.GradConfig | undefined;
  if (known !== undefined || !tf.engine().isTapeOn()) return;
  throw new Error(
    'A gradient is asked for, but TensorFlow.js has none of its operations registered. Once, before: in Node.js ' +
      "`npm install @tensorflow/tfjs-layers` and `import '@tensorflow/tfjs-layers'`, which registers them; with a bundler " +
      "`import '@tensorflow/tfjs-core/dist/register_all_gradients'`.",
  );
}
