/** The neural rewards. What reads and runs a model is loaded with the first of them, not with the package. */
export { aesthetic, type AestheticOptions } from './aesthetic';
export { blipVqa, type BlipVqaOptions } from './blip-vqa';
export { clipScore, type ClipScoreOptions } from './clip-score';
export { dinoDiversity } from './dino-diversity';
export { humanPreference } from './human-preference';
export { imageReward } from './image-reward';
export type { NeuralRewardOptions } from './neural-options';
export { nounPhrases } from './noun-phrases';
export { pickScore, type PickScoreOptions } from './pick-score';
