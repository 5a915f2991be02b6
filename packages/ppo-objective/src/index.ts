export { advantageInducedAlignment } from './advantage-induced-alignment';
export type { AdvantageInducedAlignmentInput } from './advantage-induced-alignment';
export { alignedFineTuning } from './aligned-fine-tuning';
export type { AlignedFineTuningInput } from './aligned-fine-tuning';
export { scaleClipRange } from './clip-range';
export { clippedSurrogate } from './clipped-surrogate';
export type { ClippedSurrogateInput } from './clipped-surrogate';
export { directPreference } from './direct-preference';
export type { DirectPreferenceInput } from './direct-preference';
export { divergenceMask } from './divergence-mask';
export type { DivergenceMaskInput } from './divergence-mask';
export { emphaticWeights } from './emphatic-weights';
export type { EmphaticWeightsOptions } from './emphatic-weights';
export { gaussianKernelLogProb } from './gaussian-kernel-log-prob';
export type { GaussianKernelLogProbInput } from './gaussian-kernel-log-prob';
export { guardedRatio } from './guarded-ratio';
export type { GuardedRatioInput } from './guarded-ratio';
export { klToReference } from './kl-to-reference';
export type { KlToReferenceInput } from './kl-to-reference';
export { logOdds } from './log-odds';
export { lowerBoundObjective } from './lower-bound-objective';
export type { LowerBoundObjectiveInput } from './lower-bound-objective';
export { policyRatio } from './policy-ratio';
export {
  assertRatioIsOne,
  ratioDiagnostics,
  ratioDiagnosticsByTimestep,
} from './ratio-diagnostics';
export type { RatioDiagnostics, TimestepDiagnostics } from './ratio-diagnostics';
export type { Reduced, Reduction } from './reduction';
export { reinforce } from './reinforce';
export type { ReinforceInput } from './reinforce';
export { sampleDropoutMask } from './sample-dropout-mask';
export type { SampleDropoutMaskInput } from './sample-dropout-mask';
export type { Vector } from './vector';
