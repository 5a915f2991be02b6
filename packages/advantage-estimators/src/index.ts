export { aboveMinimum } from './above-minimum';
export { batchZScore } from './batch-z-score';
export { bestAndWorst } from './best-and-worst';
export type { Chosen } from './chosen';
export { exponentialWeights } from './exponential-weights';
export type { ExponentialWeightsOptions } from './exponential-weights';
export { groupMean } from './group-mean';
export type { GroupMeanOptions } from './group-mean';
export { advantageMask, reportGroups } from './group-report';
export type { GroupReport } from './group-report';
export { leaveOneOut } from './leave-one-out';
export { noBaseline } from './no-baseline';
export { createPerPromptStatistics } from './per-prompt-statistics';
export type {
  PerPromptStatistics,
  PerPromptStatisticsOptions,
  PerPromptStatisticsState,
} from './per-prompt-statistics';
export { positiveAdvantages } from './positive-advantages';
export type { PositiveAdvantagesOptions } from './positive-advantages';
export type { RewardMask, Rewards } from './rewards';
export { createRunningScale } from './running-scale';
export type { RunningScale, RunningScaleOptions, RunningScaleState } from './running-scale';
export { softmaxWeights } from './softmax-weights';
export type { SoftmaxWeightsOptions } from './softmax-weights';
