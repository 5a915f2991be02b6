export type {
  FileReader,
  LoraAdapter,
  LoraConfig,
  ModelParameters,
  RandomSource,
  Weights,
} from './types';
export { weightsFromSafetensors, weightsToSafetensors } from './weights';
