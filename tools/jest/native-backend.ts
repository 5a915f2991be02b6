import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { useBestBackend } from '@loop-diffusion/native-tensorflow';

import './gradient-matcher';

/** Numeric tests run on native TensorFlow where it is installed; the plain JS backend is there for tests that ask for it. */
beforeAll(async () => {
  const { name, reason } = await useBestBackend({ quiet: true });
  // Continuous integration must not be green because the native library could not be installed.
  if (Boolean(process.env['CI']) && !name.startsWith('tensorflow')) {
    throw new Error(`CI is set and the native library does not serve. ${reason}`);
  }
  await tf.ready();
});
