/**
 * What is light: importing it loads no image library, no server and no model. `./neural`, `./remote`, `./serve` and
 * `./command-line` are entries of their own.
 */
export {
  createCombination,
  RequiredRewardError,
  type Combination,
  type CombinationState,
  type CombinedScores,
  type FailurePolicy,
  type RewardScale,
  type RewardTerm,
  type TermScores,
} from './combine/combine-rewards';
export { createReward, rewardNames, rewardSettingsSchemas } from './create-reward';
export {
  defineReward,
  type FunctionScore,
  type RewardDefinition,
  rewardFromFunction,
  type ScoringFunction,
} from './define-reward';
export { countFailures, type FailureCount } from './failure-counts';
export { gated } from './gated';
export { assertImage, type Image, imageProblem } from './image';
export { imageGrid, type ImageGridOptions } from './image-grid';
export { jpegCompressibility, jpegIncompressibility, jpegSize } from './jpeg';
export { judgeReward, type JudgeRewardOptions } from './judge/judge-reward';
export type { CustomRubric, Rubric, RubricName } from './judge/rubric';
export { loadExport, type LoadedExport } from './load-export';
export { loadReward, type LoadRewardOptions, type RewardFactory } from './load-reward';
export { cocoDetector, type CocoDetectorOptions } from './objects/coco-detector';
export { numeracyReward } from './objects/numeracy-reward';
export type { Box, Detection, ObjectDetector } from './objects/object-detector';
export { parseSpatialPrompt } from './objects/spatial-prompt';
export { spatialReward } from './objects/spatial-reward';
export { decodePicture, encodePng } from './png';
export { type PngHeader, readPngHeader } from './protocol/png-header';
export { averageQuality, imageQuality, type ImageQuality } from './quality/image-quality';
export {
  isFailure,
  isNotApplicable,
  notApplicable,
  type Reward,
  type RewardBatch,
  rewardFailure,
  type RewardFailure,
  type RewardResult,
  type RewardScore,
  type ScoreOptions,
} from './reward';
export {
  nsfwClassifier,
  type NsfwClassifier,
  type NsfwProbabilities,
} from './safety/nsfw-classifier';
export { nsfwFilter, type ImageFilter, type NsfwFilterOptions } from './safety/nsfw-filter';
export { nsfwReward } from './safety/nsfw-reward';
export { scoreAll } from './score-all';
export {
  ocrReward,
  quotedText,
  textAccuracy,
  type OcrRewardOptions,
  type TargetText,
} from './text/ocr-reward';
export { paddleOcr } from './text/paddle-ocr';
export type { Point, Quadrilateral, TextLine, TextRecogniser } from './text/text-recogniser';
export { toUint8 } from './to-uint8';
