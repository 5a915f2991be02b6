export { scaleClipRange } from './clip-range';
export { clippedSurrogate } from './clipped-surrogate';
export type { ClippedSurrogateInput } from './clipped-surrogate';
export { klToReference } from './kl-to-reference';
export type { KlToReferenceInput } from './kl-to-reference';
export { policyRatio } from './policy-ratio';
export {
  assertRatioIsOne,
  ratioDiagnostics,
  ratioDiagnosticsByTimestep,
} from './ratio-diagnostics';
export type { RatioDiagnostics, TimestepDiagnostics } from './ratio-diagnostics';
export { reinforce } from './reinforce';
export type { ReinforceInput } from './reinforce';
export type { Vector } from './vector';
