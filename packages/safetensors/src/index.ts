export { float16Tensor, float32Tensor, toFloat32Array } from './convert';
export type { SafetensorsDtype } from './dtype';
export type { SafetensorsFile } from './read-safetensors';
export { maximumHeaderBytes, readSafetensors } from './read-safetensors';
export { SafetensorsError } from './safetensors-error';
export type { SafetensorsTensor } from './tensor';
export { writeSafetensors } from './write-safetensors';
