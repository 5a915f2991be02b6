/** Which of the adapted modules clients share. */
import type { TrainConfig } from '../../configuration/schema';
import { UserError } from '../../user-error';

type Layers = NonNullable<TrainConfig['federated']>['layers'];

/** @returns each module once, in the order of the weights */
export function adaptedModules(keys: readonly string[]): string[] {
  return [...new Set(keys.map(moduleOf))];
}

/**
 * Those that a configuration names. A module is a pair of factors, and has both of them or none.
 *
 * @param modules of the adapter, by their paths
 * @returns some of them
 * @throws UserError when a name is of no adapted module
 */
export function sharedModules(
  layers: Exclude<Layers, number>,
  modules: readonly string[],
): string[] {
  if (layers === 'none') return [];
  if (layers === 'all') return [...modules];
  const isNamed = (name: string) => (module: string) =>
    module === name || module.endsWith(`.${name}`);
  const unknown = layers.find((name) => !modules.some(isNamed(name)));
  if (unknown !== undefined) {
    throw new UserError(
      `federated.layers names '${unknown}', which no module of the adapter ends with; lora.targets says which there are, such as '${modules[0] ?? ''}'`,
    );
  }
  return modules.filter((module) => layers.some((name) => isNamed(name)(module)));
}

/** The path of the module that a weight of an adapter belongs to. */
export function moduleOf(key: string): string {
  return key.replace(/\.lora\.(down|up)\.weight$/, '');
}
