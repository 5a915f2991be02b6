/** Warns of what a run's iterations show of its health. */
import type { TrainConfig } from '../configuration/schema';
import type { IterationRecord } from '../run-folder/records';
import { createClipWatch } from './clip-watch';
import { createCollapseWatch } from './collapse-watch';
import { createFailureWatch } from './failure-watch';
import type { FolderSink } from './folder-sink';
import type { RunSink } from './sink';

/**
 * @param earlier iterations of a run that goes on: what the policy was like at first is what later images are compared with, and
 *   what was said then is not said again
 */
export function createWatchSink(
  config: TrainConfig,
  warning: FolderSink['warning'],
  earlier: readonly IterationRecord[] = [],
): RunSink {
  const watchClip = createClipWatch(config, earlier);
  const watchCollapse = createCollapseWatch(config, earlier);
  const watchFailures = createFailureWatch();
  return {
    async iteration(record, drawn) {
      const failures = watchFailures(record);
      if (failures.length > 0) await warning(record, failures);
      const clip = watchClip(record);
      if (clip !== undefined) await warning(record, [clip]);
      const alerts = watchCollapse(record);
      if (alerts.length > 0) await warning(record, alerts, drawn);
    },
    async evaluation(record, iteration) {
      const { rewards } = record;
      const failures = watchFailures({ ...record, images: rewards.length });
      if (failures.length > 0) await warning({ iteration, rewards }, failures);
    },
  };
}
