export { openSafetensorsFile } from './open-safetensors-file';
export type { OpenSafetensorsFile } from './open-safetensors-file';
// Here too, for CommonJS has a copy of it in each entry.
export { SafetensorsError } from '../safetensors-error';
