/** A reward behind HTTP. What it needs is loaded only when it is called. */
import type { Reward } from '../reward';
import type { RemoteRewardOptions } from './remote-reward-options';

export type { RemoteRewardEvent, RemoteRewardOptions } from './remote-reward-options';

/**
 * The reward of a server as a {@link Reward}, with the name, version and range that the server tells.
 *
 * Asks the server for `/info`, and once for the score of the probe that stands there. From then on nothing is thrown:
 * whatever happens to a request is a failure of its images, of a kind from {@link RemoteFailureKind}, and never a score.
 *
 * @throws {RangeError} when an option cannot be used
 * @throws {Error} when the server gives no `/info`, has no such reward, speaks another protocol, or scores its probe
 * otherwise (by more than 10⁻⁴ + 10⁻³ of the value) than it promises
 */
export async function remoteReward(options: RemoteRewardOptions): Promise<Reward> {
  const { connect } = await import('./connect');
  return connect(options);
}
