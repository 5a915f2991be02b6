export { scaleClipRange } from './clip-range';
export { clippedSurrogate } from './clipped-surrogate';
export type { ClippedSurrogateInput } from './clipped-surrogate';
export { klToReference } from './kl-to-reference';
export type { KlToReferenceInput } from './kl-to-reference';
export { loopObjective } from './loop-objective';
export type { LoopObjectiveInput } from './loop-objective';
export {
  assertRatioIsOne,
  clipNeverActed,
  describeInertClip,
  ratioDiagnostics,
  ratioDiagnosticsByTimestep,
} from './ratio-diagnostics';
export type { ClipUse, RatioDiagnostics, TimestepDiagnostics } from './ratio-diagnostics';
export { reinforce } from './reinforce';
export type { Vector } from './vector';
