/**
 * Tensors whose numbers TensorFlow keeps as bfloat16, in half the memory. TensorFlow.js has no such type: to it they are
 * float32, of their shape, and what reads them widens them first. Any other operation fails on them, for TensorFlow looks at
 * types.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { NativeBackend } from './compile/native-backend';
import { ATTRIBUTE, DTYPE } from './compile/operation';

/** Under which TensorFlow.js has what widens them; it gives other tensors back as they are. */
const WIDEN = 'LoopWiden';

/** To be called once for a native backend, before there are such tensors. */
export function supportBfloat16(backend: NativeBackend, backendName: string): void {
  const createOutputTensor = backend.createOutputTensor.bind(backend);
  backend.createOutputTensor = (metadata) => {
    if (metadata.dtype !== DTYPE.bfloat16) return createOutputTensor(metadata);
    const tensor = createOutputTensor({ ...metadata, dtype: DTYPE.float32 });
    Object.assign(backend.tensorMap.get(tensor.dataId), { dtype: DTYPE.bfloat16 });
    return tensor;
  };
  tf.registerKernel({
    kernelName: WIDEN,
    backendName,
    kernelFunc: ({ inputs }) => {
      const { x } = inputs as { x: tf.Tensor };
      if (isStoredAsBfloat16(x)) return cast(backend, x, DTYPE.bfloat16, DTYPE.float32);
      backend.incRef(x.dataId);
      return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
    },
  });
}

/**
 * The numbers of a float32 tensor rounded to bfloat16, to the nearest and to the even one halfway, and kept as such. Only
 * the kernel `LoopWiden` of TensorFlow.js can use them (`{ x }` → a float32 tensor of the same numbers).
 *
 * @returns undefined where that cannot be done: on another backend than the native one
 */
export function storeAsBfloat16(x: tf.Tensor): tf.Tensor | undefined {
  const backend = tf.backend() as Partial<NativeBackend>;
  if (!canStore(backend) || x.dtype !== 'float32' || isStoredAsBfloat16(x)) return undefined;
  // Tracked as any result is.
  return tf.tidy(() => cast(backend, x, DTYPE.float32, DTYPE.bfloat16));
}

/** Whether the active backend keeps its numbers as bfloat16. */
export function isStoredAsBfloat16({ dataId }: tf.TensorInfo): boolean {
  const { tensorMap } = tf.backend() as Partial<NativeBackend>;
  return tensorMap?.has(dataId) === true && tensorMap.get(dataId).dtype === DTYPE.bfloat16;
}

function canStore(backend: Partial<NativeBackend>): backend is NativeBackend {
  return (tf.getKernel(WIDEN, tf.getBackend()) as unknown) != null && 'tensorMap' in backend;
}

function cast(backend: NativeBackend, x: tf.TensorInfo, from: number, to: number): tf.Tensor {
  const [result] = backend.executeMultipleOutputs(
    'Cast',
    [
      { name: 'SrcT', type: ATTRIBUTE.type, value: from },
      { name: 'DstT', type: ATTRIBUTE.type, value: to },
      { name: 'Truncate', type: ATTRIBUTE.bool, value: false },
    ],
    [x],
    1,
  );
  return result as tf.Tensor;
}
