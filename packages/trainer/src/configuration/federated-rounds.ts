/** How the iterations of a federated run are laid out. */
import type { TrainConfig } from './schema';

type Federated = NonNullable<TrainConfig['federated']>;

/** At least one. */
export function clientsOfRound({
  clients,
  sampleRate,
}: Pick<Federated, 'clients' | 'sampleRate'>): number {
  return Math.max(1, Math.round(sampleRate * clients.length));
}

/** Iterations that are done or taken back together: those of a round of all its clients, or a single one. */
export function iterationsAtOnce({ federated }: Pick<TrainConfig, 'federated'>): number {
  return federated === null ? 1 : clientsOfRound(federated) * federated.localIterations;
}

/**
 * Whether something of every so many iterations is due.
 *
 * @param every 0 for never
 * @param iterations that are done
 * @param atOnce of them, since it was last asked
 */
export function isDue(every: number, iterations: number, atOnce: number): boolean {
  return every > 0 && iterations % every < Math.min(atOnce, iterations);
}
