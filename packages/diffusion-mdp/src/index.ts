export {
  classifierFreeGuidance,
  gaussianLogProb,
  policyMean,
  predictOriginalSample,
  takePolicyStep,
} from './policy-step';
export type { PolicyStep } from './policy-step';
export { counterNormal, counterUniform } from './counter-noise';
export type { NoiseKey } from './counter-noise';
export { planDenoiseSteps } from './denoise-plan';
export type { DenoisePlanOptions, DenoiseStep } from './denoise-plan';
export { addNoise, velocity } from './forward-process';
export type { ImageShape, Latents, LatentShape } from './latent-shape';
export { noiseBatch } from './noise-batch';
export { alphaCumprodAt, createNoiseSchedule } from './noise-schedule';
export type { NoiseSchedule } from './noise-schedule';
export { philox4x32 } from './philox';
export type { PhiloxCounter, PhiloxKey } from './philox';
export { createSampler } from './sampler';
export type { Sampler, SamplerStep } from './sampler';
export { parseSamplerConfig } from './sampler-config';
export type {
  DpmSolverConfig,
  EulerConfig,
  NoiseLevelConfig,
  SamplerConfig,
  SamplerName,
} from './sampler-config';
export type { PipelineName } from './pipeline';
export type { SamplerWeights } from './sampler-weights';
export { samplerStepTensor, scaleModelInput, takeSamplerStep } from './sampler-step';
export type { SampledStep, SamplerStepTensor } from './sampler-step';
export { parseSchedulerConfig } from './scheduler-config';
export type { SchedulerConfig } from './scheduler-config';
export { stepOutputScales, stepSigmas, stepTensor } from './step-tensor';
export type { Steps, StepTensor } from './step-tensor';
export type { TimestepSpacing } from './timestep-spacing';
export { TrajectoryStore } from './trajectory-store';
export type { TrajectoryBatch, TrajectoryRow } from './trajectory-store';
export type { BetaSchedule, PredictionType, TrainingNoise } from './training-noise';
