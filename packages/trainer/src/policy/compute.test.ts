import { compiledMemory } from '@loop-diffusion/native-tensorflow';
import * as tf from '@tensorflow/tfjs-core';

import { createCompute } from './compute';

const scaled = ({ schedule }: { schedule: { betas: Float32Array } }, x: tf.Tensor) =>
  tf.mul(x, schedule.betas[0]!);
const model = () => ({ schedule: { betas: Float32Array.of(2, 3) } });

test('a function is compiled once for arguments that are equal, and freed with what has it', () => {
  const before = compiledMemory();
  const [one, other] = [createCompute(), createCompute()];
  tf.tidy(() => {
    const x = tf.tensor1d([1, 2]);
    expect(one.run(scaled, model(), x).arraySync()).toEqual([2, 4]);
    const compiled = compiledMemory();
    expect(compiled.functions).toBeGreaterThan(before.functions);
    // A schedule that is made anew has the same numbers.
    expect(one.run(scaled, model(), tf.add(x, 1)).arraySync()).toEqual([4, 6]);
    expect(compiledMemory()).toEqual(compiled);

    other.run(scaled, model(), x);
    one.dispose();
    expect(compiledMemory()).toEqual(compiled);
    other.dispose();
    expect(compiledMemory()).toEqual(before);
    expect(one.run(scaled, model(), x).arraySync()).toEqual([2, 4]);
    one.dispose();
  });
  expect(compiledMemory()).toEqual(before);
});
