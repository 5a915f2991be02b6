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
export { createReward, rewardNames } from './create-reward';
export { assertImage, type Image, imageProblem } from './image';
export { imageGrid, type ImageGridOptions } from './image-grid';
export { jpegCompressibility, jpegIncompressibility, jpegSize } from './jpeg';
export { decodePicture, encodePng } from './png';
export { averageQuality, imageQuality, type ImageQuality } from './quality/image-quality';
export {
  type Reward,
  type RewardBatch,
  rewardFailure,
  type RewardFailure,
  type RewardResult,
  type RewardScore,
  type ScoreOptions,
} from './reward';
export { scoreAll } from './score-all';
export { toUint8 } from './to-uint8';
