/** TensorFlow's numbers for the kinds of an attribute and for the types of a tensor (tensorflow/c/tf_attrtype.h, tf_datatype.h). */
export const ATTRIBUTE = {
  string: 0,
  int: 1,
  float: 2,
  bool: 3,
  type: 4,
  shape: 5,
  tensor: 6,
  function: 8,
} as const;
export const DTYPE = { float32: 1, int32: 3, bool: 10, bfloat16: 14 } as const;

/** As tfjs-node's kernels write it. */
export interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

export interface TensorType {
  readonly dtype: number;
  readonly shape: readonly number[];
}

/** An operation's output: the operation's position in its graph, and which of its outputs. */
export type Reference = readonly [operation: number, output: number];

/** An operation of a recorded function; operations stand in an order in which they can be run. */
export interface Operation {
  readonly name: string;
  readonly attributes: readonly Attribute[];
  /** A list where the operation takes a list. */
  readonly inputs: readonly (Reference | readonly Reference[])[];
  readonly outputs: readonly TensorType[];
  /** Operations that must be done before this one begins, besides its inputs. */
  readonly after: readonly number[];
}

/** What a `Placeholder` for a value of this type is told. */
export function placeholderAttributes({ dtype, shape }: TensorType): Attribute[] {
  return [
    { name: 'dtype', type: ATTRIBUTE.type, value: dtype },
    { name: 'shape', type: ATTRIBUTE.shape, value: shape },
  ];
}

export function isReference(input: Reference | readonly Reference[]): input is Reference {
  return typeof input[0] === 'number';
}

export function flatInputs({ inputs }: Pick<Operation, 'inputs'>): Reference[] {
  return inputs.flatMap((input) => (isReference(input) ? [input] : input));
}
