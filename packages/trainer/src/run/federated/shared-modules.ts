/** Which of the adapted modules clients share. */
import type { TrainConfig } from '../../configuration/schema';
import { UserError } from '../../user-error';

type Layers = NonNullable<TrainConfig['federated']>['layers'];

/**
 * A module is a pair of factors, and has both of them or none.
 *
 * @param keys of the adapter's weights, as in its file
 * @returns the modules by their paths
 * @throws UserError when a name is of no adapted module
 */
export function sharedModules(layers: Layers, keys: readonly string[]): ReadonlySet<string> {
  const modules = [...new Set(keys.map(moduleOf))];
  if (layers === 'none') return new Set();
  if (layers === 'all') return new Set(modules);
  const isNamed = (name: string) => (module: string) =>
    module === name || module.endsWith(`.${name}`);
  const unknown = layers.find((name) => !modules.some(isNamed(name)));
  if (unknown !== undefined) {
    throw new UserError(
      `federated.layers names '${unknown}', which no module of the adapter ends with; lora.targets says which there are, such as '${modules[0] ?? ''}'`,
    );
  }
  return new Set(modules.filter((module) => layers.some((name) => isNamed(name)(module))));
}

/** The path of the module that a weight of an adapter belongs to. */
export function moduleOf(key: string): string {
  return key.replace(/\.lora\.(down|up)\.weight$/, '');
}
