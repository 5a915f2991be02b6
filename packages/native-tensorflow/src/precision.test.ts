import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { installNativeTensorflow } from './install';

/** The library is loaded once a process, so each precision needs one of its own. */
function productIn(precision: string): Float32Array {
  const script = `
    import * as tf from '@tensorflow/tfjs-core';
    import { useBestBackend } from ${JSON.stringify(join(__dirname, 'index.ts'))};
    await useBestBackend({ backend: 'tensorflow', quiet: true, precision: '${precision}' });
    const [a, b] = [1, 2].map((seed) => tf.randomNormal([256, 256], 0, 1, 'float32', seed));
    console.log(JSON.stringify([...tf.matMul(a, b).dataSync()]));`;
  const output = execFileSync(
    process.execPath,
    ['-C', '@loop/source', '--import', 'tsx', '--input-type=module', '--eval', script],
    { cwd: join(__dirname, '..'), encoding: 'utf8', maxBuffer: 1e8 },
  );
  return Float32Array.from(JSON.parse(output) as number[]);
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
