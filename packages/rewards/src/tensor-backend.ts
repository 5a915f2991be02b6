/**
 * Waits for the TensorFlow.js backend that the caller has set.
 *
 * @throws {Error} when there is none
 */
export async function assertBackend(
  reward: string,
  tf: { readonly ready: () => Promise<void> },
): Promise<void> {
  try {
    await tf.ready();
  } catch (error) {
    throw new Error(
      `Reward "${reward}" needs a TensorFlow.js backend, and none is set: import one, ` +
        'such as @tensorflow/tfjs-backend-cpu, first.',
      { cause: error },
    );
  }
}
