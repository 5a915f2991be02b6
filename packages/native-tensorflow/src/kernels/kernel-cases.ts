/**
 * Each kernel at small odd sizes, and the same layer in TensorFlow.js's own operations. An installation is held against it
 * before it is used, and so are the tests.
 */
import * as tf from '@tensorflow/tfjs-core';

export type KernelInputs = Readonly<Record<string, tf.Tensor>>;

export interface KernelCase {
  readonly kernel: string;
  /** What is special about it. */
  readonly about: string;
  readonly attributes: tf.NamedAttrMap;
  /** New ones at each call, to be disposed of; the same numbers each time. */
  readonly inputs: () => KernelInputs;
  /** What the kernel must give, in its order. */
  readonly expected: (inputs: KernelInputs) => tf.Tensor[];
}

/** The outputs, also of a kernel that has one. */
export function runKernel({ kernel, attributes }: KernelCase, inputs: KernelInputs): tf.Tensor[] {
  const outputs = tf.engine().runKernel<tf.Tensor | tf.Tensor[]>(kernel, { ...inputs }, attributes);
  return Array.isArray(outputs) ? outputs : [outputs];
}

/** Numbers in [−1, 1). */
function random(shapes: Readonly<Record<string, readonly number[]>>): () => KernelInputs {
  return () => {
    const entries = Object.entries(shapes).map(([name, shape], index) => {
      const tensor = tf.randomUniform([...shape], -1, 1, 'float32', index + 1);
      return [name, tensor] as const;
    });
    return Object.fromEntries(entries);
  };
}

const linearCases: readonly KernelCase[] = [
  {
    kernel: 'LoopLinear',
    about: 'with a bias and something to add',
    attributes: { inputsFirst: false },
    inputs: random({ x: [13, 7], weight: [37, 7], bias: [37], add: [13, 37] }),
    expected: ({ x, weight, bias, add }) => [
      tf.add(tf.add(tf.matMul(x!, weight!, false, true), bias!), add!),
    ],
  },
  {
    kernel: 'LoopLinear',
    about: 'with the inputs first, on one row',
    attributes: { inputsFirst: true },
    inputs: random({ x: [1, 33], weight: [33, 5] }),
    expected: ({ x, weight }) => [tf.matMul(x!, weight!)],
  },
  {
    kernel: 'LoopLinearWeightGradient',
    about: 'of 11 rows',
    attributes: {},
    inputs: random({ dy: [11, 5], x: [11, 35] }),
    expected: ({ dy, x }) => [tf.matMul(dy!, x!, true, false)],
  },
];

/** value · gelu(gate), gelu(x) = x Φ(x) = x (1 + erf(x / √2)) / 2. */
function gate(x: tf.Tensor): tf.Tensor {
  const [value, gated] = tf.split(x, 2, 1) as [tf.Tensor, tf.Tensor];
  const normal = tf.mul(tf.add(tf.erf(tf.mul(gated, Math.SQRT1_2)), 1), 0.5);
  return tf.mul(value, tf.mul(gated, normal));
}

const gateCases: readonly KernelCase[] = [
  {
    kernel: 'LoopGate',
    about: 'of 9 rows',
    attributes: {},
    inputs: random({ x: [9, 2 * 19] }),
    expected: ({ x }) => [gate(x!)],
  },
  {
    kernel: 'LoopGateGradient',
    about: 'of 9 rows',
    attributes: {},
    inputs: random({ x: [9, 2 * 19], dy: [9, 19] }),
    expected: ({ x, dy }) => [tf.grad(gate)(x!, dy)],
  },
  {
    kernel: 'LoopGatedLinear',
    about: 'with a bias',
    attributes: {},
    inputs: random({ x: [15, 7], weight: [2 * 21, 7], bias: [2 * 21] }),
    expected: ({ x, weight, bias }) => [gate(tf.add(tf.matMul(x!, weight!, false, true), bias!))],
  },
];

/** By what it says: x + offset, each image's groups of channels to mean 0 and variance 1, scaled and shifted, then SiLU. */
function groupNorm(
  { x, weight, bias, offset }: KernelInputs,
  groups: number,
  silu: boolean,
): { y: tf.Tensor; statistics: tf.Tensor } {
  const [batch, height, width, channels] = x!.shape as [number, number, number, number];
  const shifted = offset === undefined ? x! : tf.add(x!, tf.reshape(offset, [-1, 1, 1, channels]));
  const grouped = tf.reshape(shifted, [batch, height * width, groups, channels / groups]);
  const { mean, variance } = tf.moments(grouped, [1, 3], true);
  const reciprocal = tf.rsqrt(tf.add(variance, epsilon));
  const normalised = tf.reshape(tf.mul(tf.sub(grouped, mean), reciprocal), x!.shape);
  const y = tf.add(tf.mul(normalised, weight!), bias!);
  return {
    y: silu ? tf.mul(y, tf.sigmoid(y)) : y,
    statistics: tf.reshape(tf.stack([mean, reciprocal], -1), [batch, groups, 2]),
  };
}

const epsilon = 1e-5;

const groupNorms = [
  { about: 'of 3 groups', groups: 3, silu: false },
  { about: 'with SiLU and an offset for each image', groups: 2, silu: true, offset: 2 },
  { about: 'with an offset for all images', groups: 6, silu: false, offset: 1 },
].map(({ about, groups, silu, offset }) => ({
  about,
  groups,
  silu,
  attributes: { groups, epsilon, silu },
  shapes: {
    ...{ x: [2, 5, 3, 18], weight: [18], bias: [18] },
    ...(offset === undefined ? {} : { offset: [offset, 18] }),
  },
}));

const groupNormCases: readonly KernelCase[] = groupNorms.map(
  ({ about, groups, silu, attributes, shapes }) => ({
    kernel: 'LoopGroupNorm',
    about,
    attributes,
    inputs: random(shapes),
    expected: (inputs) => {
      const { y, statistics } = groupNorm(inputs, groups, silu);
      return [y, statistics];
    },
  }),
);

const groupNormGradientCases: readonly KernelCase[] = groupNorms.map(
  ({ about, groups, silu, attributes, shapes }) => ({
    kernel: 'LoopGroupNormGradient',
    about,
    attributes,
    inputs: () =>
      tf.tidy(() => {
        const inputs = random({ ...shapes, dy: shapes.x })();
        return { ...inputs, statistics: groupNorm(inputs, groups, silu).statistics };
      }),
    expected: ({ x, weight, bias, offset, dy }) => {
      const given = [x!, weight!, bias!, ...(offset === undefined ? [] : [offset])];
      const gradients = tf.grads((...[x, weight, bias, offset]) => {
        const inputs = { x: x!, weight: weight!, bias: bias! };
        return groupNorm(offset === undefined ? inputs : { ...inputs, offset }, groups, silu).y;
      })(given, dy);
      return offset === undefined ? [...gradients, tf.zeros([0])] : gradients;
    },
  }),
);

/** By what it says: each row to mean 0 and variance 1, scaled and shifted. */
function layerNorm(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor): tf.Tensor {
  const { mean, variance } = tf.moments(x, 1, true);
  const normalised = tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, epsilon)));
  return tf.add(tf.mul(normalised, weight), bias);
}

const layerNormCases: readonly KernelCase[] = [
  {
    kernel: 'LoopLayerNorm',
    about: 'of 7 rows',
    attributes: { epsilon },
    inputs: random({ x: [7, 37], weight: [37], bias: [37] }),
    expected: ({ x, weight, bias }) => [layerNorm(x!, weight!, bias!)],
  },
  ...[['x'], ['weight'], ['bias'], ['x', 'weight', 'bias']].map((wanted) => ({
    kernel: 'LoopLayerNormGradient',
    about: `for ${wanted.join(', ')}`,
    attributes: { epsilon, wanted },
    inputs: random({ x: [7, 37], weight: [37], dy: [7, 37] }),
    expected: ({ x, weight, dy }: KernelInputs) => {
      const gradients = tf.grads((...given) =>
        layerNorm(...(given as [tf.Tensor, tf.Tensor, tf.Tensor])),
      )([x!, weight!, tf.zeros([37])], dy);
      return ['x', 'weight', 'bias'].map((name, index) =>
        wanted.includes(name) ? gradients[index]! : tf.zeros([0]),
      );
    },
  })),
];

interface AttentionInputs {
  readonly query: tf.Tensor;
  readonly key: tf.Tensor;
  readonly value: tf.Tensor;
}

/** softmax(query keyᵀ) value for each image and head, of rows beside each other; and ln Σ exp(score). */
function attend(
  { query, key, value }: AttentionInputs,
  batch: number,
  heads: number,
): { y: tf.Tensor; logSums: tf.Tensor } {
  // [batch · rows, heads · width] → [batch, heads, rows, width]
  const byHead = (x: tf.Tensor): tf.Tensor =>
    tf.transpose(tf.reshape(x, [batch, -1, heads, x.shape[1]! / heads]), [0, 2, 1, 3]);
  const scores = tf.matMul(byHead(query), byHead(key), false, true);
  const y = tf.matMul(tf.softmax(scores), byHead(value));
  return {
    y: tf.reshape(tf.transpose(y, [0, 2, 1, 3]), query.shape),
    logSums: tf.reshape(tf.transpose(tf.logSumExp(scores, -1), [0, 2, 1]), [-1, heads]),
  };
}

function attentionInputs({ queries, keysAndValues }: KernelInputs): AttentionInputs {
  const parts =
    keysAndValues === undefined
      ? tf.split(queries!, 3, 1)
      : [queries!, ...tf.split(keysAndValues, 2, 1)];
  const [query, key, value] = parts as [tf.Tensor, tf.Tensor, tf.Tensor];
  return { query, key, value };
}

const attentions = [
  { about: 'of the rows themselves', shapes: { queries: [2 * 17, 3 * 15] } },
  { about: 'of a context', shapes: { queries: [2 * 17, 15], keysAndValues: [2 * 7, 2 * 15] } },
].map((one) => ({ ...one, batch: 2, heads: 3, attributes: { batch: 2, heads: 3 } }));

const attentionCases: readonly KernelCase[] = attentions.map(
  ({ about, shapes, batch, heads, attributes }) => ({
    kernel: 'LoopAttention',
    about,
    attributes,
    inputs: random(shapes),
    expected: (inputs) => {
      const { y, logSums } = attend(attentionInputs(inputs), batch, heads);
      return [y, logSums];
    },
  }),
);

const attentionGradientCases: readonly KernelCase[] = attentions.map(
  ({ about, shapes, batch, heads, attributes }) => ({
    kernel: 'LoopAttentionGradient',
    about,
    attributes,
    inputs: () =>
      tf.tidy(() => {
        const inputs = random({ ...shapes, dy: [2 * 17, 15] })();
        return { ...inputs, ...attend(attentionInputs(inputs), batch, heads) };
      }),
    expected: ({ queries, keysAndValues, dy }) =>
      tf.grads((...[q, kv]) => {
        const inputs = kv === undefined ? { queries: q! } : { queries: q!, keysAndValues: kv };
        return attend(attentionInputs(inputs), batch, heads).y;
      })([queries!, ...(keysAndValues === undefined ? [] : [keysAndValues])], dy),
  }),
);

interface Windows {
  readonly stride: number;
  readonly padding: readonly [top: number, left: number];
  readonly outputSize: readonly [height: number, width: number];
}

/** Framed by zeros, after the image by as many as the last window reaches, and then as TensorFlow has it. */
function convolve(x: tf.Tensor, kernel: tf.Tensor, windows: Windows): tf.Tensor4D {
  const { stride, padding, outputSize } = windows;
  const margins = [0, 1].map((axis): [number, number] => {
    const [before, count] = [padding[axis]!, outputSize[axis]!];
    const reached = (count - 1) * stride + kernel.shape[axis]!;
    return [before, Math.max(0, reached - before - x.shape[axis + 1]!)];
  });
  const framed = tf.pad(x as tf.Tensor4D, [[0, 0], margins[0]!, margins[1]!, [0, 0]]);
  // Where windows end before the image does.
  const [height, width] = outputSize.map(
    (count, axis) => (count - 1) * stride + kernel.shape[axis]!,
  );
  const [batch, , , channels] = framed.shape;
  const reached = tf.slice4d(framed, [0, 0, 0, 0], [batch, height!, width!, channels]);
  return tf.conv2d(reached, kernel as tf.Tensor4D, stride, 'valid');
}

const convolutions = [
  { about: 'that keeps the size', size: 3, stride: 1, padding: [1, 1], outputSize: [5, 7] },
  { about: 'of single pixels', size: 1, stride: 1, padding: [0, 0], outputSize: [5, 7] },
  { about: 'of every second pixel', size: 3, stride: 2, padding: [1, 1], outputSize: [3, 4] },
  { about: 'that ends at the border', size: 3, stride: 2, padding: [0, 0], outputSize: [3, 3] },
].map(({ size, ...one }) => ({
  ...one,
  ...{ x: [2, 5, 7, 3], kernel: [size, size, 3, 9], y: [2, ...one.outputSize, 9] },
}));

/** Large enough for Winograd's algorithm (`SuitsWinograd` in winograd.cc), as none of the others is. */
const largeConvolution = {
  about: 'of many pixels',
  ...{ stride: 1, padding: [1, 1], outputSize: [9, 14] },
  ...{ x: [2, 9, 14, 33], kernel: [3, 3, 33, 35], y: [2, 9, 14, 35] },
};

const windowsOf = ({ stride, padding, outputSize }: typeof largeConvolution): Windows => ({
  stride,
  padding: padding as [number, number],
  outputSize: outputSize as [number, number],
});

const convolutionCases: readonly KernelCase[] = [...convolutions, largeConvolution].flatMap(
  (one): KernelCase[] => {
    const { about, stride, padding, outputSize, x, kernel, y } = one;
    const windows = windowsOf(one);
    return [
      {
        kernel: 'LoopConvolution',
        about,
        attributes: { stride, enlargement: 1, padding, outputSize },
        inputs: random({ x, kernel, bias: [y[3]!], add: y }),
        expected: (inputs) => {
          const value = convolve(inputs['x']!, inputs['kernel']!, windows);
          return [tf.add(tf.add(value, inputs['bias']!), inputs['add']!)];
        },
      },
      {
        kernel: 'LoopConvolutionInputGradient',
        about,
        attributes: { stride, padding, inputSize: x.slice(1, 3) },
        inputs: random({ dy: y, kernel }),
        expected: (inputs) => [
          tf.grad((image) => convolve(image, inputs['kernel']!, windows))(
            tf.zeros(x),
            inputs['dy'],
          ),
        ],
      },
      {
        kernel: 'LoopConvolutionKernelGradient',
        about,
        attributes: { stride, padding, kernelSize: kernel[0]! },
        inputs: random({ dy: y, x }),
        expected: (inputs) => [
          tf.grad((weight) => convolve(inputs['x']!, weight, windows))(
            tf.zeros(kernel),
            inputs['dy'],
          ),
        ],
      },
    ];
  },
);

const doublingCase: KernelCase = {
  kernel: 'LoopConvolution',
  about: 'of an image that is enlarged',
  attributes: { stride: 1, enlargement: 2, padding: [1, 1], outputSize: [6, 10] },
  inputs: random({ x: [2, 3, 5, 3], kernel: [3, 3, 3, 9] }),
  expected: ({ x, kernel }) => {
    const large = tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [6, 10]);
    return [convolve(large, kernel!, { stride: 1, padding: [1, 1], outputSize: [6, 10] })];
  },
};

export const kernelCases: readonly KernelCase[] = [
  ...linearCases,
  ...gateCases,
  ...attentionCases,
  ...attentionGradientCases,
  ...convolutionCases,
  doublingCase,
  ...groupNormCases,
  ...groupNormGradientCases,
  ...layerNormCases,
];
