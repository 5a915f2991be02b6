/** Fine-tuning text-to-image diffusion models on black-box rewards. */
export type { Image, Reward, ScoringFunction } from '@loop-diffusion/rewards';

export { draw } from './api/draw';
export type {
  DrawOptions,
  DrawResult,
  DrawTrace,
  EvaluateOptions,
  EvaluateResult,
  TensorValues,
  WithDefaults,
} from './api/drawing-options';
export { evaluate } from './api/evaluate';
export {
  gradientVariance,
  type GradientVarianceOptions,
  type GradientVarianceResult,
} from './api/gradient-variance';
export { configJsonSchema, type JsonSchema } from './configuration/json-schema';
export { configKeys, type ConfigKey } from './configuration/key-reference';
export { resolveConfig } from './configuration/resolve-config';
export type { BackendSetting, TrainConfig } from './configuration/schema';
export { METHOD_NAMES, type MethodName } from './methods';
export {
  defineMethod,
  type Advantages,
  type AverageOfWeights,
  type DenoisingObjective,
  type DenoisingRows,
  type ExtraSamples,
  type GroupedRewards,
  type LossContext,
  type Method,
  type MethodSurroundings,
  type Needs,
  type NoSettings,
  type Objective,
  type Prediction,
  type RememberedAdvantages,
  type RowLosses,
  type TrajectoryObjective,
  type TrajectoryRows,
} from './methods/method';
export { nodeFolderReader } from './files/node-folder-reader';
export { train, type TrainResult } from './api/train';
export type {
  EvaluatedReward,
  PromptsOption,
  RewardOption,
  TrainOptions,
  WeightedRewardOption,
} from './api/options';
export type {
  EvaluationRecord,
  FamilyScore,
  IterationRecord,
  RunSummary,
} from './run-folder/records';
export type { RunEvent } from './run-folder/event-log';
export { historyOfEvents, readEvents } from './run-folder/read-events';
export { createRunFolder, type RunFolder } from './run-folder/run-folder';
export { createRunRecorder, type RecorderOptions } from './tracking/create-run-recorder';
export type { Output, OutputStream } from './terminal/output';
export { createRecorder, type RunRecorder } from './tracking/recorder';
export type { DrawnImages, RunSink, StopRequest } from './tracking/sink';
export type { RunHistory } from './run-folder/run-history';
export type { Estimate } from './gradient-variance/bootstrap';
export type { EstimatorVariance, GradientVariance } from './gradient-variance/gradient-variance';
export type { MeanWithError } from './statistics';
export { UserError } from './user-error';
