/** The work behind the commands, loaded when a command needs it: `--help` and a misspelt flag should not wait for it. */
import type {
  EvaluateFilesOptions,
  EvaluateFilesResult,
  SampleOptions,
  SampleResult,
} from '../api/drawing-options';
import type { GradientVarianceOptions, GradientVarianceResult } from '../api/gradient-variance';
import type { BatchAdvice, MeasureBatchesOptions } from '../api/measure-batches';
import type { TrainConfig } from '../configuration/schema';
import type { GivenObjects } from '../run/given';
import type { ResumePoint } from '../run/loop';
import type { RunSummary } from '../run-folder/records';
import type { RunRecorder } from '../tracking/recorder';

export interface Core {
  readonly train: (
    config: TrainConfig,
    recorder: RunRecorder,
    signal: AbortSignal,
    from?: ResumePoint,
    given?: Pick<GivenObjects, 'workers'>,
  ) => Promise<RunSummary>;
  readonly sampleImages: (options: SampleOptions) => Promise<SampleResult>;
  readonly measureBatches: (options: MeasureBatchesOptions) => Promise<BatchAdvice>;
  readonly evaluateModel: (options: EvaluateFilesOptions) => Promise<EvaluateFilesResult>;
  readonly gradientVariance: (options: GradientVarianceOptions) => Promise<GradientVarianceResult>;
}

export async function loadCore(): Promise<Core> {
  const [
    { runLoop },
    { sampleImages },
    { evaluateModel },
    { measureBatches },
    { gradientVariance },
  ] = await Promise.all([
    import('../run/loop'),
    import('../api/sample'),
    import('../api/evaluate'),
    import('../api/measure-batches'),
    import('../api/gradient-variance'),
  ]);
  return { train: runLoop, sampleImages, evaluateModel, measureBatches, gradientVariance };
}
