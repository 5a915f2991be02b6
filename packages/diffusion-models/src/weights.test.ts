import { float32Tensor, readSafetensors, writeSafetensors } from '@loop-diffusion/safetensors';
import { weightsFromSafetensors, weightsToSafetensors } from './weights';

const values = (count: number) => Float32Array.from({ length: count }, (_, index) => index);

const file = writeSafetensors([
  ['conv.weight', float32Tensor(values(2 * 3 * 4 * 5), [2, 3, 4, 5])],
  ['linear.weight', float32Tensor(values(6), [2, 3])],
  ['text_model.embeddings.position_ids', float32Tensor(values(7), [1, 7])],
]);

test('kernels turn from [out, in, h, w] to [h, w, in, out], nothing else does', () => {
  const weights = weightsFromSafetensors(readSafetensors(file));
  const kernel = weights['conv.weight']!;
  expect(kernel.shape).toEqual([4, 5, 3, 2]);
  // out 1, in 2, h 3, w 4 is the last element of the file's kernel, and of ours.
  const at = kernel.bufferSync();
  expect(at.get(3, 4, 2, 1)).toBe(119);
  expect(at.get(0, 1, 2, 0)).toBe(2 * 20 + 1);
  expect(weights['linear.weight']!.arraySync()).toEqual([
    [0, 1, 2],
    [3, 4, 5],
  ]);
  expect(Object.keys(weights)).not.toContain('text_model.embeddings.position_ids');
});

test.each(['F32', 'F16'] as const)('what was read is written back as %s', (dtype) => {
  const weights = weightsFromSafetensors(readSafetensors(file));
  const again = readSafetensors(writeSafetensors(weightsToSafetensors(weights, dtype)));
  expect(again.tensors.get('conv.weight')).toMatchObject({ dtype, shape: [2, 3, 4, 5] });
  const restored = weightsFromSafetensors(again);
  for (const key of Object.keys(weights)) {
    expect(restored[key]!.arraySync()).toEqual(weights[key]!.arraySync());
  }
});
