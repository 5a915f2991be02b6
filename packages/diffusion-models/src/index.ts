export type {
  FileReader,
  LoraAdapter,
  LoraConfig,
  ModelParameters,
  RandomSource,
  Weights,
} from './types';
export { weightsFromSafetensors, weightsToSafetensors } from './weights';
export { checkWeights } from './shapes';
export type { WeightShapes } from './shapes';
export { formatAutoencoderConfig, parseAutoencoderConfig } from './autoencoder/config';
export type { AutoencoderConfig } from './autoencoder/config';
export {
  autoencoderShapes,
  decodeLatents,
  encodeImages,
  initializeAutoencoder,
} from './autoencoder/autoencoder';
export type { LatentDistribution } from './autoencoder/autoencoder';
export { updateAutoencoderWeights } from './autoencoder/legacy-weights';
export { formatUNetConfig, parseUNetConfig } from './unet/config';
export type { DownBlockType, UNetConfig, UpBlockType } from './unet/config';
export { initializeUNet, unet, unetShapes } from './unet/unet';
export type { UNetInput } from './unet/unet';
