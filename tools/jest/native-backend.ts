import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { useBestBackend } from '@loop-diffusion/native-tensorflow';

import './gradient-matcher';

/** Numeric tests run on native TensorFlow where it is installed; the plain JS backend is there for tests that ask for it. */
beforeAll(async () => {
  await useBestBackend({ quiet: true });
  await tf.ready();
});
