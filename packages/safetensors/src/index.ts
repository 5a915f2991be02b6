export { float16Tensor, float32Tensor, toFloat32Array } from './convert';
export type { SafetensorsDtype } from './dtype';
export type { OpenSafetensors, SafetensorsFile, SafetensorsSource } from './read-safetensors';
export { maximumHeaderBytes, openSafetensors, readSafetensors } from './read-safetensors';
export { SafetensorsError } from './safetensors-error';
export type { SafetensorsTensor } from './tensor';
export type { LazySafetensorsTensor } from './write-safetensors';
export { safetensorsChunks, writeSafetensors } from './write-safetensors';
