/** The method that a configuration names, and what follows from it before anything is loaded. */
import { methodNamed } from '../methods';
import type { Method, Objective } from '../methods/method';
import type { ParsedConfig } from './schema';

type Algorithm = ParsedConfig['algorithm'];

export interface ChosenMethod {
  readonly method: Method<unknown, unknown>;
  readonly settings: unknown;
  readonly objective: Objective;
}

/** Undefined for a method of one's own, which is in a module that is yet to be loaded. */
export function chosenMethod(algorithm: Algorithm): ChosenMethod | undefined {
  const method = methodNamed(algorithm.name);
  if (method === undefined) return undefined;
  const settings = method.settings?.parse(sectionOf(algorithm, method.name) ?? {}) ?? {};
  return { method, settings, objective: method.objective(settings) };
}

/** What the configuration says of a method. */
export function sectionOf(algorithm: Algorithm, name: string): unknown {
  return (algorithm as Record<string, unknown>)[name];
}

/** Whether ratios of stored log-probabilities are stopped by `algorithm.clipRange`. */
export function clipsRatios(algorithm: Algorithm): boolean {
  const { reuse, learnsFrom } = chosenMethod(algorithm)?.objective ?? {};
  return learnsFrom === 'trajectories' && reuse === 'clipped' && algorithm.clipRange !== 'none';
}
