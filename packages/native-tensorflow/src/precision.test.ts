import { runScript } from './fixtures/run-script';
import { installNativeTensorflow } from './install';

/** The library is loaded once a process, so each precision needs one of its own. */
function productIn(precision: string): Float32Array {
  const values = runScript<number[]>(`
    await native.useBestBackend({ backend: 'tensorflow', quiet: true, precision: '${precision}' });
    const [a, b] = [1, 2].map((seed) => tf.randomNormal([256, 256], 0, 1, 'float32', seed));
    report([...tf.matMul(a, b).dataSync()]);`);
  return Float32Array.from(values);
}

beforeAll(async () => {
  await installNativeTensorflow();
});

it('rounds the operands of products to bfloat16 at most, and sums in float32', () => {
  const [exact, rounded] = [productIn('float32'), productIn('bfloat16')];
  const relative =
    Math.hypot(...exact.map((value, index) => value - (rounded[index] as number))) /
    Math.hypot(...exact);
  // 8 bits round each factor by up to 2⁻⁹, half of that on average: sums in bfloat16 would be off by 100 times as much.
  // Processors without instructions for it compute in float32.
  expect(relative).toBeLessThan(4e-3);
  expect(relative === 0 || relative > 1e-4).toBe(true);
});
