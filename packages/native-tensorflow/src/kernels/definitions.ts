/**
 * How each of TensorFlow.js's kernels becomes a TensorFlow operation of the same name (native/kernels/operations). An input that
 * is left out is an empty tensor there.
 */
import { ATTRIBUTE, type Attribute } from '../compile/operation';

/** What `tf.engine().runKernel` was given. */
export type KernelAttributes = Readonly<Record<string, unknown>>;

export interface KernelDefinition {
  readonly name: string;
  /** In the operation's order. */
  readonly inputs: readonly string[];
  /** What shapes depend on besides the inputs; they are the dimensions of one more input. */
  readonly sizes?: (attributes: KernelAttributes) => readonly number[];
  /** The operation's, beside `alone` and `round`. */
  readonly attributes?: (attributes: KernelAttributes) => readonly Attribute[];
  /** Of the operation. */
  readonly outputs: number;
  /** Whether it returns an array; with one output, the output itself otherwise. */
  readonly isList?: boolean;
  /** How many of the outputs are returned, where it depends on the inputs. */
  readonly returned?: (inputs: Readonly<Record<string, unknown>>) => number;
}

export const kernelDefinitions: readonly KernelDefinition[] = [
  {
    name: 'LoopAttention',
    inputs: ['queries', 'keysAndValues'],
    sizes: ({ batch, heads }) => [Number(batch), Number(heads)],
    outputs: 2,
    isList: true,
  },
  {
    name: 'LoopAttentionGradient',
    inputs: ['queries', 'keysAndValues', 'y', 'logSums', 'dy'],
    sizes: ({ batch }) => [Number(batch)],
    outputs: 2,
    isList: true,
    returned: ({ keysAndValues }) => (keysAndValues === undefined ? 1 : 2),
  },
  {
    name: 'LoopConvolution',
    inputs: ['x', 'kernel', 'bias', 'add'],
    sizes: ({ stride, enlargement, padding, outputSize }) => [
      Number(stride),
      Number(enlargement),
      ...pair(padding),
      ...pair(outputSize),
    ],
    outputs: 1,
  },
  {
    name: 'LoopConvolutionInputGradient',
    inputs: ['dy', 'kernel'],
    sizes: ({ stride, padding, inputSize }) => [
      Number(stride),
      ...pair(padding),
      ...pair(inputSize),
    ],
    outputs: 1,
  },
  {
    name: 'LoopConvolutionKernelGradient',
    inputs: ['dy', 'x'],
    sizes: ({ stride, padding, kernelSize }) => [
      Number(stride),
      ...pair(padding),
      Number(kernelSize),
    ],
    outputs: 1,
  },
  { name: 'LoopGate', inputs: ['x'], outputs: 1 },
  { name: 'LoopGateGradient', inputs: ['x', 'dy'], outputs: 1 },
  { name: 'LoopGatedLinear', inputs: ['x', 'weight', 'bias'], outputs: 1 },
  {
    name: 'LoopGroupNorm',
    inputs: ['x', 'weight', 'bias', 'offset'],
    sizes: ({ groups }) => [Number(groups)],
    attributes: groupNormAttributes,
    outputs: 2,
    isList: true,
  },
  {
    name: 'LoopGroupNormGradient',
    inputs: ['x', 'weight', 'bias', 'offset', 'statistics', 'dy'],
    attributes: groupNormAttributes,
    outputs: 4,
    isList: true,
  },
  {
    name: 'LoopLayerNorm',
    inputs: ['x', 'weight', 'bias'],
    attributes: ({ epsilon }) => [number('epsilon', epsilon)],
    outputs: 1,
  },
  {
    name: 'LoopLayerNormGradient',
    inputs: ['x', 'weight', 'dy'],
    sizes: ({ wanted }) => {
      const names = wanted as readonly string[];
      return ['x', 'weight', 'bias'].map((name) => (names.includes(name) ? 1 : 0));
    },
    attributes: ({ epsilon }) => [number('epsilon', epsilon)],
    outputs: 3,
    isList: true,
  },
  {
    name: 'LoopLinear',
    inputs: ['x', 'weight', 'bias', 'add'],
    sizes: ({ inputsFirst }) => [inputsFirst === true ? 1 : 0],
    outputs: 1,
  },
  { name: 'LoopLinearWeightGradient', inputs: ['dy', 'x'], outputs: 1 },
];

function pair(value: unknown): readonly [number, number] {
  const [first, second] = value as readonly [number, number];
  return [first, second];
}

function groupNormAttributes({ silu, epsilon }: KernelAttributes): Attribute[] {
  return [boolean('silu', silu), number('epsilon', epsilon)];
}

export function boolean(name: string, value: unknown): Attribute {
  return { name, type: ATTRIBUTE.bool, value: value === true };
}

function number(name: string, value: unknown): Attribute {
  return { name, type: ATTRIBUTE.float, value };
}
