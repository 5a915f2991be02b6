/** Groups operations that XLA can fuse: elementwise ones, reductions and changes of shape. */
import { flatInputs, type Operation } from './operation';

const FUSIBLE = new Set([
  ...['Add', 'AddV2', 'Sub', 'Mul', 'Div', 'RealDiv', 'DivNoNan', 'Maximum', 'Minimum', 'Pow'],
  ...['SquaredDifference', 'Neg', 'Abs', 'Sign', 'Square', 'Sqrt', 'Rsqrt', 'Exp', 'Expm1', 'Log'],
  ...['Log1p', 'Sigmoid', 'Tanh', 'Erf', 'Sin', 'Cos', 'Relu', 'Softplus', 'Reciprocal'],
  ...['Equal', 'NotEqual', 'Greater', 'GreaterEqual', 'Less', 'LessEqual'],
  ...['LogicalAnd', 'LogicalOr', 'LogicalNot', 'Select', 'SelectV2', 'Cast', 'ClipByValue'],
  ...['Sum', 'Mean', 'Max', 'Min', 'Prod'],
  ...['Reshape', 'ExpandDims', 'Squeeze', 'BroadcastTo', 'Fill', 'ZerosLike', 'OnesLike', 'Tile'],
]);

/** Changes of shape that cost nothing by themselves, so that a group of nothing else gains nothing. */
const FREE = new Set(['Reshape', 'ExpandDims', 'Squeeze']);

/**
 * For each operation its group's number, or −1 for none. No group depends on itself through an operation outside it, so
 * that each can run as one.
 */
export function clusterOperations(operations: readonly Operation[]): Int32Array {
  const count = operations.length;
  const parents = operations.map((operation) => [
    ...new Set(flatInputs(operation).map(([input]) => input)),
  ]);
  // Union–find over groups; every operation begins as a group of its own.
  const group = Int32Array.from({ length: count }, (_, index) => index);
  const members = operations.map((_, index) => [index]);
  const find = (index: number): number => {
    let root = index;
    while (group[root] !== root) root = group[root] ?? root;
    group[index] = root;
    return root;
  };
  const isFusible = operations.map(({ name }) => FUSIBLE.has(name));

  /** Whether a path leads from `target` (a group) back into itself through what `start` depends on. */
  const dependsOn = (start: number, target: number): boolean => {
    const earliest = Math.min(...(members[target] ?? []));
    const seen = new Set<number>([start]);
    const stack = [start];
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      for (const member of members[next] ?? []) {
        for (const parent of parents[member] ?? []) {
          const root = find(parent);
          if (root === target) return true;
          // A group whose operations all come before the target's cannot depend on it.
          if (seen.has(root) || Math.max(...(members[root] ?? [])) < earliest) continue;
          seen.add(root);
          stack.push(root);
        }
      }
    }
    return false;
  };

  for (let index = 0; index < count; index += 1) {
    if (isFusible[index] !== true) continue;
    for (const parent of parents[index] ?? []) {
      const [own, other] = [find(index), find(parent)];
      if (isFusible[parent] !== true || own === other) continue;
      // Joined, everything else that this one's group depends on must not depend on the other group.
      const outside = new Set(
        (members[own] ?? []).flatMap((member) => (parents[member] ?? []).map(find)),
      );
      outside.delete(own);
      outside.delete(other);
      if ([...outside].some((root) => dependsOn(root, other))) continue;
      group[own] = other;
      (members[other] as number[]).push(...(members[own] as number[]));
      members[own] = [];
    }
  }

  const result = new Int32Array(count).fill(-1);
  for (const [root, indices] of members.entries()) {
    const worth = indices.filter((index) => !FREE.has(operations[index]?.name ?? ''));
    if (worth.length < 2) continue;
    for (const index of indices) result[index] = root;
  }
  return result;
}
