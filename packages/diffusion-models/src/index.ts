export type {
  FileReader,
  LayerObserver,
  LoraAdapter,
  LoraConfig,
  ModelParameters,
  OpenFile,
  RandomSource,
  Weights,
} from './types';
export { weightsFromSafetensors, weightsFromStream, weightsToSafetensors } from './weights';
export type { StoreWeight, WidenHalves } from './weights';
export { asFloat32 } from './layers/operations/stored-weight';
export { checkWeights } from './shapes';
export type { WeightShapes } from './shapes';
export { attentionScoresAtOnce } from './layers/attention-piece';
export type { AttentionShape } from './layers/attention-piece';
export { formatAutoencoderConfig, parseAutoencoderConfig } from './autoencoder/config';
export type { AutoencoderConfig } from './autoencoder/config';
export {
  autoencoderShapes,
  decodeLatents,
  encodeImages,
  initializeAutoencoder,
} from './autoencoder/autoencoder';
export type { LatentDistribution } from './autoencoder/autoencoder';
export { decodeInTiles } from './autoencoder/decode-in-tiles';
export { updateAutoencoderWeights } from './autoencoder/legacy-weights';
export { formatUNetConfig, parseUNetConfig } from './unet/config';
export type { AddedConditionConfig, DownBlockType, UNetConfig, UpBlockType } from './unet/config';
export { addedCondition, unetTimesteps } from './unet/time-embedding';
export type { Timesteps } from './unet/time-embedding';
export { unet } from './unet/unet';
export type { UNetInput } from './unet/unet-input';
export { initializeUNet, unetShapes } from './unet/unet-shapes';
export { unetText } from './unet/unet-text';
export type { UNetText } from './unet/unet-text';
export { formatTextEncoderConfig, parseTextEncoderConfig } from './text-encoder/config';
export type { TextEncoderConfig } from './text-encoder/config';
export { initializeTextEncoder } from './text-encoder/initialize';
export { textEncoderShapes } from './text-encoder/shapes';
export { encodeText } from './text-encoder/text-encoder';
export type { EncodedText } from './text-encoder/text-encoder';
export { buildClipTokenizerFiles } from './tokenizer/build-clip-tokenizer';
export type {
  BuildClipTokenizerOptions,
  BuiltClipTokenizerFiles,
} from './tokenizer/build-clip-tokenizer';
export { createClipTokenizer } from './tokenizer/clip-tokenizer';
export type { ClipTokenizer, ClipTokenizerFiles } from './tokenizer/clip-tokenizer';
export { createLoraAdapter } from './lora/create-lora-adapter';
export type { Shaped } from './lora/factor-shapes';
export { loraFromSafetensors } from './lora/lora-from-safetensors';
export type { LoraFileOptions } from './lora/lora-from-safetensors';
export { loraToKohyaSafetensors } from './lora/lora-to-kohya-safetensors';
export { loraToSafetensors } from './lora/lora-to-safetensors';
export { mergeLora, mergeLoras } from './lora/merge-lora';
export type { WeightedLora } from './lora/merge-lora';
export {
  isLayerWeight,
  loadStableDiffusion,
  readStableDiffusionConfigs,
} from './folder/load-stable-diffusion';
export type { LoadOptions, StableDiffusionConfigs } from './folder/load-stable-diffusion';
export { pipelineOf } from './folder/stable-diffusion';
export type { ModelPart, StableDiffusion, StableDiffusionParts } from './folder/stable-diffusion';
export { cutOffPrompt } from './prompts/cut-off-prompt';
export { encodeEmptyPrompt, encodePrompts } from './prompts/encode-prompts';
export type { EncodedPrompts } from './prompts/encode-prompts';
export { stableDiffusionFiles } from './folder/stable-diffusion-files';
export type { StableDiffusionFilesOptions } from './folder/stable-diffusion-files';
