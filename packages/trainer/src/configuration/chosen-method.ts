/** The method that a configuration names, and what follows from it before anything is loaded. */
import { basename } from 'node:path';

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

/** Whether samples are cut off, by the method's settings or by `algorithm.clipRange`. */
export function isClipped(
  { clipRange }: Pick<Algorithm, 'clipRange'>,
  { reuse, ownClip = false }: Pick<Objective, 'reuse' | 'ownClip'>,
): boolean {
  return ownClip || (reuse === 'clipped' && clipRange !== 'none');
}

/** Whether ratios of stored log-probabilities are stopped by `algorithm.clipRange`. */
export function stopsRatios(
  algorithm: Pick<Algorithm, 'clipRange'>,
  objective: Pick<Objective, 'learnsFrom' | 'reuse' | 'ownClip'>,
): boolean {
  const hasRatios = objective.learnsFrom === 'trajectories' && objective.ownClip !== true;
  return hasRatios && isClipped(algorithm, objective);
}

/** For folders and titles: of `./file.mjs#export` the export. */
export function nameOfMethod(name: string): string {
  return basename(name.split(/[#:]/).at(-1) ?? name).replace(/\.[^.]*$/, '');
}
