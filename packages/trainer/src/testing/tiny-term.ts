/** LOOP's loss over what the tiny policy drew, for the tests of learning. */
import type { TrajectorySource } from '../learning/trajectory-term';
import { loop } from '../methods/loop';
import type { TrajectoryObjective } from '../methods/method';
import type { TinyPolicy } from './tiny-policy';

export const loopObjective = loop.objective({}) as TrajectoryObjective;

export function loopSource(
  drawn: TinyPolicy['drawn'],
  more: Partial<TrajectorySource> = {},
): TrajectorySource {
  return {
    ...drawn,
    ...{ objective: loopObjective, sampleDropout: undefined, klWeight: 0 },
    ...{ context: { clipRange: 1e-4, latentSize: 8 * 8 * 4 }, batch: 4, trainedSteps: [0] },
    advantages: [1, -2, 0.5, 3],
    ...more,
  };
}
