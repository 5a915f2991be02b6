import type { Weights } from '../types';

const WEIGHT = '.weight';

export const downKey = (path: string): string => `${path}.lora.down.weight`;
export const upKey = (path: string): string => `${path}.lora.up.weight`;

/** Paths of the modules that have a weight, sorted, so that nothing depends on the order of a file. */
export function modulePaths(weights: Weights): string[] {
  return Object.keys(weights)
    .filter((key) => key.endsWith(WEIGHT))
    .map((key) => key.slice(0, -WEIGHT.length))
    .sort();
}

/** Paths that an adapter's weights belong to, sorted. */
export function adaptedPaths(adapter: { readonly weights: Weights }): string[] {
  const ending = downKey('');
  return Object.keys(adapter.weights)
    .filter((key) => key.endsWith(ending))
    .map((key) => key.slice(0, -ending.length))
    .sort();
}

/** A module's name without its place in the network: `to_q`, `to_out.0`, `net.0.proj`. */
export function targetOf(path: string): string {
  const segments = path.split('.');
  // A number alone names nothing: take the name before it too.
  const start = segments.findLastIndex(
    (s, i) => !/^\d+$/.test(s) && !/^\d+$/.test(segments[i - 1] ?? ''),
  );
  return segments.slice(start).join('.');
}

/** A linear layer's `[out, in]`. @throws Error when the model has no such module or it is not linear */
export function linearShape(weights: Weights, path: string, why: string): [number, number] {
  const shape: readonly number[] | undefined = weights[path + WEIGHT]?.shape;
  if (shape === undefined) {
    throw new Error(`${why} ${JSON.stringify(path)}, which this model does not have.`);
  }
  const [outputs, inputs] = shape;
  if (outputs === undefined || inputs === undefined || shape.length !== 2) {
    throw new Error(
      `${why} ${JSON.stringify(path)}, which is no linear layer: its weight has the shape [${shape.join(', ')}].`,
    );
  }
  return [outputs, inputs];
}
