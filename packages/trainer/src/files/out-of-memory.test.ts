import { isOutOfMemory } from './out-of-memory';

test('knows the words of those that refuse memory', () => {
  let ofV8: unknown;
  try {
    new ArrayBuffer(Number.MAX_SAFE_INTEGER);
  } catch (error) {
    ofV8 = error;
  }
  const ofTensorFlow = new Error('OOM when allocating tensor with shape[1,4096] and type float');
  const ofNode = new Error('Failed to allocate memory');
  const ofTheSystem = new Error('std::bad_alloc');
  for (const error of [ofV8, ofTensorFlow, ofNode, ofTheSystem]) {
    expect(isOutOfMemory(error)).toBe(true);
  }
  for (const other of [new Error('unet.safetensors is missing'), 'out of memory', undefined]) {
    expect(isOutOfMemory(other)).toBe(false);
  }
});
