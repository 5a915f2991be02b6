import type { TrainConfig } from '../../configuration/schema';
import type { MlflowParameter } from './mlflow-client';

/** What the oldest servers take. */
const LONGEST_VALUE = 250;

/** A configuration as MLflow's parameters: a dotted path each, lists as JSON. */
export function configParameters(config: TrainConfig): MlflowParameter[] {
  return flatten(config, '');
}

function flatten(value: unknown, path: string): MlflowParameter[] {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return Object.entries(value).flatMap(([name, child]) =>
      flatten(child, path === '' ? name : `${path}.${name}`),
    );
  }
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return [{ key: path, value: text.slice(0, LONGEST_VALUE) }];
}
