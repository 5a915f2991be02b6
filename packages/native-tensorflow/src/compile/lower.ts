/** Turns a recording into a TensorFlow function that is registered and can be called by name. */
import { createHash } from 'node:crypto';
import { clusterOperations } from './cluster';
import type { FunctionAddon } from './function-addon';
import type { NativeFunction, NativeGraph } from './native-handles';
import {
  ATTRIBUTE,
  flatInputs,
  isReference,
  placeholderAttributes,
  type Operation,
  type Reference,
  type TensorType,
} from './operation';
import { outputType, type Recording } from './record';
import type { FusedFunction, SharedState } from '../shared-state';

/** A serialized AttrValue that says `b: true`. */
const TRUE = Uint8Array.of(0x28, 0x01);

/** Constants up to this many numbers are part of the function that uses them; a larger one is given to it. */
const SMALL_CONSTANT = 1024;

/** What XLA makes machine code of: runs of elementwise operations, or the function as it is. */
export type Fusion = 'runs' | 'whole';

export interface Lowering {
  readonly addon: FunctionAddon;
  /** Path of tfjs-node's addon. */
  readonly binding: string;
  /** Functions of fused operations that were made already. */
  readonly fused: SharedState['fused'];
}

/**
 * Registers the recording as a function of this name. Unless XLA is to order it anew, it runs in the order of the recording.
 *
 * @returns removes the function, and those of fused operations that no other one uses
 */
export function lower(
  lowering: Lowering,
  recording: Recording,
  name: string,
  fuse: Fusion | undefined,
): () => void {
  const { addon, binding, fused } = lowering;
  const used = new Set<string>();
  const freeFused = (): void => {
    for (const part of used) {
      const entry = fused.get(part);
      if (entry === undefined || --entry.users > 0) continue;
      fused.delete(part);
      addon.removeFunction(binding, part);
      addon.release(entry.definition);
    }
  };
  const graph = addon.newGraph();
  try {
    const definition = define(lowering, recording, { graph, used, name, fuse });
    return () => {
      addon.removeFunction(binding, name);
      addon.release(definition);
      freeFused();
    };
  } catch (error) {
    freeFused();
    throw error;
  } finally {
    addon.release(graph);
  }
}

interface Definition {
  /** Empty, to be filled. */
  readonly graph: NativeGraph;
  /** The names of the functions that it calls, of which it is a user from then on. */
  readonly used: Set<string>;
  readonly name: string;
  readonly fuse: Fusion | undefined;
}

function define(
  lowering: Lowering,
  recording: Recording,
  { graph, used, name, fuse }: Definition,
): NativeFunction {
  const operations = withoutUnused(recording);
  const clusters =
    fuse === 'runs'
      ? clusterOperations(operations.operations)
      : new Int32Array(operations.operations.length).fill(-1);
  const { addon } = lowering;
  // Where each result is in the new graph.
  const placed = new Map<string, Reference>();
  let added = 0;
  const place = (reference: Reference): Reference => {
    const where = placed.get(reference.join());
    if (where === undefined) throw new Error('An operation is used before it is there.');
    return where;
  };

  for (const unit of orderUnits(operations.operations, clusters)) {
    const [first] = unit.members;
    if (unit.cluster < 0) {
      const operation = operations.operations[first as number] as Operation;
      addon.addOperation(
        graph,
        operation.name,
        operation.attributes,
        operation.inputs.map((input) => (isReference(input) ? place(input) : input.map(place))),
        fuse === undefined ? operation.after.map((earlier) => place([earlier, 0])[0]) : [],
      );
      operation.outputs.forEach((_, output) => placed.set([first, output].join(), [added, output]));
    } else {
      const fused = fusedFunction(lowering, operations, unit.members);
      if (!used.has(fused.name)) {
        fused.entry.users += 1;
        used.add(fused.name);
        addon.importFunction(graph, fused.entry.definition);
      }
      addon.addOperation(
        graph,
        'PartitionedCall',
        [
          {
            name: 'Tin',
            type: ATTRIBUTE.type,
            value: fused.inputs.map((input) => outputType(operations.operations, input).dtype),
          },
          {
            name: 'Tout',
            type: ATTRIBUTE.type,
            value: fused.outputs.map((output) => outputType(operations.operations, output).dtype),
          },
          { name: 'f', type: ATTRIBUTE.function, value: fused.name },
          { name: '_XlaMustCompile', type: ATTRIBUTE.bool, value: true },
        ],
        [fused.inputs.map(place)],
        [],
      );
      fused.outputs.forEach((output, index) => placed.set(output.join(), [added, index]));
    }
    added += 1;
  }
  return addon.defineFunction(
    lowering.binding,
    graph,
    name,
    operations.inputs.map(place),
    operations.outputs.map(place),
    fuse === 'whole' ? [['_XlaMustCompile', TRUE]] : [],
  );
}

interface Body {
  readonly operations: readonly Operation[];
  readonly inputs: readonly Reference[];
  readonly outputs: readonly Reference[];
}

/** Without the operations that no output depends on. */
function withoutUnused({ operations, inputs, outputs }: Body): Body {
  const used = new Array<boolean>(operations.length).fill(false);
  for (const [operation] of [...inputs, ...outputs]) used[operation] = true;
  for (let index = operations.length - 1; index >= 0; index -= 1) {
    if (used[index] !== true) continue;
    for (const [input] of flatInputs(operations[index] as Operation)) used[input] = true;
  }
  const position = new Map<number, number>();
  used.forEach((isUsed, index) => {
    if (isUsed) position.set(index, position.size);
  });
  const move = ([operation, output]: Reference): Reference => [
    position.get(operation) ?? -1,
    output,
  ];
  // What waits for an operation that is left out waits for what that one waits for.
  const waits: (readonly number[])[] = [];
  operations.forEach(({ after }, index) => {
    const earlier = [...new Set(after.flatMap((one) => waits[one] ?? []))];
    waits.push(used[index] === true ? [index] : earlier);
  });
  return {
    operations: operations
      .filter((_, index) => used[index])
      .map((operation) => ({
        ...operation,
        inputs: operation.inputs.map((input) =>
          isReference(input) ? move(input) : input.map(move),
        ),
        after: operation.after.flatMap((one) => waits[one] ?? []).map((one) => move([one, 0])[0]),
      })),
    inputs: inputs.map(move),
    outputs: outputs.map(move),
  };
}

interface Unit {
  readonly cluster: number;
  readonly members: readonly number[];
}

/** Groups and single operations, each after all that it depends on. */
function orderUnits(operations: readonly Operation[], clusters: Int32Array): Unit[] {
  const members = new Map<number, number[]>();
  clusters.forEach((cluster, index) => {
    if (cluster >= 0) members.set(cluster, [...(members.get(cluster) ?? []), index]);
  });
  for (const list of members.values()) list.sort((a, b) => a - b);
  const units: Unit[] = [];
  const done = new Uint8Array(operations.length);
  const visit = (index: number): void => {
    if (done[index] === 1) return;
    const cluster = clusters[index] ?? -1;
    const own = cluster < 0 ? [index] : (members.get(cluster) ?? []);
    for (const member of own) done[member] = 1;
    for (const member of own) {
      for (const [input] of flatInputs(operations[member] as Operation)) visit(input);
    }
    units.push({ cluster, members: own });
  };
  operations.forEach((_, index) => visit(index));
  return units;
}

interface FusedCall {
  readonly name: string;
  readonly entry: FusedFunction;
  readonly inputs: readonly Reference[];
  readonly outputs: readonly Reference[];
}

/** The group as a function of its own, the same one for equal groups. */
function fusedFunction(lowering: Lowering, body: Body, members: readonly number[]): FusedCall {
  const { operations } = body;
  const { addon } = lowering;
  const inside = new Set(members);
  const inputs = new Map<string, Reference>();
  const constants = new Set<number>();
  for (const member of members) {
    for (const reference of flatInputs(operations[member] as Operation)) {
      if (inside.has(reference[0])) continue;
      if (isSmallConstant(operations[reference[0]])) constants.add(reference[0]);
      else inputs.set(reference.join(), reference);
    }
  }
  const needed = new Map<string, Reference>();
  const collect = (reference: Reference): void => {
    if (inside.has(reference[0])) needed.set(reference.join(), reference);
  };
  operations.forEach((operation, index) => {
    if (!inside.has(index)) flatInputs(operation).forEach(collect);
  });
  body.outputs.forEach(collect);
  const outputs = [...needed.values()];

  // The group in numbers of its own, whose text names it.
  const placed = new Map<string, Reference>();
  const local: {
    name: string;
    attributes: Operation['attributes'];
    inputs: Operation['inputs'];
  }[] = [];
  for (const reference of inputs.values()) {
    placed.set(reference.join(), [local.length, 0]);
    const attributes = placeholderAttributes(outputType(operations, reference));
    local.push({ name: 'Placeholder', attributes, inputs: [] });
  }
  const place = (reference: Reference): Reference => placed.get(reference.join()) as Reference;
  for (const index of [...constants, ...members]) {
    const operation = operations[index] as Operation;
    operation.outputs.forEach((_, output) =>
      placed.set([index, output].join(), [local.length, output]),
    );
    local.push({
      name: operation.name,
      attributes: operation.attributes,
      inputs: operation.inputs.map((input) =>
        isReference(input) ? place(input) : input.map(place),
      ),
    });
  }
  const text = JSON.stringify([local, outputs.map(place)]);
  const name = `fused_${createHash('sha256').update(text).digest('hex').slice(0, 24)}`;
  let entry = lowering.fused.get(name);
  if (entry === undefined) {
    const graph = addon.newGraph();
    try {
      for (const operation of local) {
        addon.addOperation(graph, operation.name, operation.attributes, operation.inputs, []);
      }
      const definition = addon.defineFunction(
        lowering.binding,
        graph,
        name,
        [...inputs.keys()].map((_, index): Reference => [index, 0]),
        outputs.map(place),
        [
          ['_XlaMustCompile', TRUE],
          ['_noinline', TRUE],
        ],
      );
      entry = { definition, users: 0 };
      lowering.fused.set(name, entry);
    } finally {
      addon.release(graph);
    }
  }
  return { name, entry, inputs: [...inputs.values()], outputs };
}

function isSmallConstant(operation: Operation | undefined): boolean {
  if (operation?.name !== 'Const') return false;
  const size = (operation.outputs[0] as TensorType).shape.reduce((total, n) => total * n, 1);
  return size <= SMALL_CONSTANT;
}
