/** Runs a function on symbols instead of tensors, and keeps the TensorFlow operations that it asks for. */
import * as tf from '@tensorflow/tfjs-core';
import type { FunctionAddon } from './function-addon';
import type { NativeBackend, NativeBinding, OutputMetadata } from './native-backend';
import { createProgramOrder } from './program-order';
import {
  ATTRIBUTE,
  flatInputs,
  placeholderAttributes,
  type Attribute,
  type Operation,
  type Reference,
  type TensorType,
} from './operation';

/** A tensor from outside that the function uses without being given it. */
export type Capture = tf.Variable | { readonly dataId: object };

export interface Recording {
  readonly operations: readonly Operation[];
  /** Placeholders of the arguments, then of the captures, in this order. */
  readonly inputs: readonly Reference[];
  readonly captures: readonly Capture[];
  readonly outputs: readonly Reference[];
}

/** Operations that take a list of tensors: the inputs before the last `rest` ones. */
const LIST_OPERATIONS: Readonly<Record<string, number>> = {
  ConcatV2: 1,
  AddN: 0,
  Pack: 0,
  Einsum: 0,
};

/** What stands for values that are there from the start. */
const SOURCES = new Set(['Placeholder', 'Const']);

/** Numbers of native tensors are from 0 on, −1 means none yet: these are ours. */
const FIRST_SYMBOL = -2;

/**
 * Calls `f` with a symbol for each of the examples, of its type and shape. tfjs runs its kernels, and those of its gradients, as ever; only the last
 * step, the native operation, is replaced by writing it down, with TensorFlow itself inferring the shapes.
 *
 * @throws Error when `f` reads values, or when a shape depends on values
 */
export function record(
  backend: NativeBackend,
  addon: FunctionAddon,
  examples: readonly tf.Tensor[],
  f: (symbols: tf.Tensor[]) => tf.Tensor[],
): Recording {
  const graph = addon.newGraph();
  const operations: Operation[] = [];
  const symbols: Reference[] = [];
  const constants = new Map<object, Reference>();
  const captured = new Map<object, Reference>();
  const captures: Capture[] = [];
  const written = new WeakSet();
  const order = createProgramOrder();

  const add = (
    name: string,
    attributes: readonly Attribute[],
    inputs: Operation['inputs'],
  ): number => {
    const outputs = addon
      .addOperation(graph, name, attributes, inputs, [])
      .map(({ dtype, shape }) => {
        if (shape === null || shape.includes(-1)) {
          throw new Error(
            `The shape of ${name}'s result depends on values, so that it cannot be compiled.`,
          );
        }
        return { dtype, shape };
      });
    const index = operations.length;
    const from = flatInputs({ inputs }).map(([operation]) => operation);
    const after = SOURCES.has(name) ? [] : order.next(index, from);
    operations.push({ name, attributes, inputs, outputs, after });
    return index;
  };
  const addPlaceholder = (type: TensorType): Reference => [
    add('Placeholder', placeholderAttributes(type), []),
    0,
  ];
  const addConstant = (type: TensorType, values: tf.TypedArray): Reference => [
    add(
      'Const',
      [
        { name: 'dtype', type: ATTRIBUTE.type, value: type.dtype },
        { name: 'value', type: ATTRIBUTE.tensor, value: { ...type, values } },
      ],
      [],
    ),
    0,
  ];
  const newSymbol = (reference: Reference): OutputMetadata => {
    const { dtype, shape } = outputType(operations, reference);
    return { id: FIRST_SYMBOL - (symbols.push(reference) - 1), dtype, shape };
  };
  const referenceOf = (id: number): Reference => {
    const reference = symbols[FIRST_SYMBOL - id];
    if (reference === undefined) throw new Error('A symbol outlived the function that it is of.');
    return reference;
  };

  const executeOp: NativeBinding['executeOp'] = (name, attributes, ids) => {
    const references = ids.map(referenceOf);
    const rest = LIST_OPERATIONS[name];
    const split = references.length - (rest ?? 0);
    const inputs =
      rest === undefined ? references : [references.slice(0, split), ...references.slice(split)];
    const operation = add(name, attributes, inputs);
    return (operations[operation]?.outputs ?? []).map((_, output) =>
      newSymbol([operation, output]),
    );
  };
  const tensorDataSync = (): never => {
    throw new Error(
      'A function that is compiled cannot read the values of its tensors: they are not known yet.',
    );
  };
  const { binding } = backend;
  const move = backend.move.bind(backend);
  // The addon's own properties cannot be assigned to, not even on an object that inherits them.
  const recordingBinding = Object.create(binding, {
    executeOp: { value: executeOp },
    tensorDataSync: { value: tensorDataSync },
  }) as NativeBinding;
  const recordingMethods: Pick<NativeBackend, 'getInputTensorIds' | 'move'> = {
    getInputTensorIds: (tensors) =>
      tensors.map((tensor) => {
        const entry = backend.tensorMap.get(tensor.dataId);
        if (entry.id <= FIRST_SYMBOL) return entry.id;
        const known = constants.get(tensor.dataId) ?? captured.get(tensor.dataId);
        if (known !== undefined) return newSymbol(known).id;
        const type = { dtype: entry.dtype, shape: entry.shape };
        if (written.has(tensor.dataId)) {
          const values = entry.values ?? binding.tensorDataSync(entry.id);
          const constant = addConstant(type, values);
          constants.set(tensor.dataId, constant);
          return newSymbol(constant).id;
        }
        const placeholder = addPlaceholder(type);
        captured.set(tensor.dataId, placeholder);
        captures.push(tensor instanceof tf.Variable ? tensor : { dataId: tensor.dataId });
        return newSymbol(placeholder).id;
      }),
    move: (dataId, ...rest) => {
      written.add(dataId);
      move(dataId, ...rest);
    },
  };

  const inputs: Reference[] = [];
  const outputs: Reference[] = [];
  backend.binding = recordingBinding;
  Object.assign(backend, recordingMethods);
  try {
    for (const { dataId, shape } of examples) {
      inputs.push(addPlaceholder({ dtype: backend.tensorMap.get(dataId).dtype, shape }));
    }
    order.follow(() =>
      tf.tidy(() => {
        const results = f(inputs.map((input) => backend.createOutputTensor(newSymbol(input))));
        for (const id of backend.getInputTensorIds(results)) outputs.push(referenceOf(id));
        // Also what `f` has kept.
        tf.dispose(
          results.filter(({ dataId }) => backend.tensorMap.get(dataId).id <= FIRST_SYMBOL),
        );
      }),
    );
  } finally {
    backend.binding = binding;
    addon.release(graph);
    for (const name of Object.keys(recordingMethods)) Reflect.deleteProperty(backend, name);
  }
  return { operations, inputs: [...inputs, ...captured.values()], captures, outputs };
}

export function outputType(
  operations: readonly Operation[],
  [operation, output]: Reference,
): TensorType {
  const type = operations[operation]?.outputs[output];
  if (type === undefined) throw new Error('An operation refers to one that is not there.');
  return type;
}
