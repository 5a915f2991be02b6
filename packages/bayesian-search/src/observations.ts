import type { Settings } from './space';

/** A run that was carried out. */
export interface Observation {
  readonly settings: Settings;
  /** The larger the better; `null` when the run failed. */
  readonly gain: number | null;
  /** Of the gain, ≥ 0; 0 when it is not known. */
  readonly standardError: number;
}

/** All that a search knows, as JSON. */
export interface SearchState {
  readonly observations: readonly Observation[];
}

/**
 * @param gain not finite or `null` when the run failed
 * @throws RangeError when `standardError` is no number of at least 0
 */
export function observationOf(
  settings: Settings,
  gain: number | null,
  standardError: number,
): Observation {
  if (gain === null || !Number.isFinite(gain)) return { settings, gain: null, standardError: 0 };
  if (!(standardError >= 0 && Number.isFinite(standardError))) {
    throw new RangeError(
      `The standard error of a gain must be a number of at least 0, got ${standardError}. Leave it out where it is not known.`,
    );
  }
  return { settings, gain, standardError };
}

/**
 * The observations of a state that may have been in a file.
 *
 * @throws RangeError when it is no state; its settings and standard errors are not looked at
 */
export function readState(state: SearchState): readonly Observation[] {
  const { observations } = state as { readonly observations: unknown };
  if (!Array.isArray(observations)) {
    throw new RangeError('The state of a search has a list of observations, and this one has not.');
  }
  observations.forEach((observation: unknown, run) => {
    const { settings, gain } = (observation ?? {}) as { settings?: unknown; gain?: unknown };
    if (typeof settings !== 'object' || settings === null) {
      throw new RangeError(`Observation ${run} of the state of a search has no settings.`);
    }
    if (gain !== null && typeof gain !== 'number') {
      throw new RangeError(
        `Observation ${run} of the state of a search must have a number or null as gain, got ${JSON.stringify(gain)}.`,
      );
    }
  });
  return observations as Observation[];
}
