import type { Weights } from '../types';

const WEIGHT = '.weight';

export const weightKey = (path: string): string => path + WEIGHT;
export const downKey = (path: string): string => `${path}.lora.down.weight`;
export const upKey = (path: string): string => `${path}.lora.up.weight`;

/** Paths of the modules that have a weight, sorted, so that nothing depends on the order of a file. */
export function modulePaths(weights: Readonly<Record<string, unknown>>): string[] {
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
