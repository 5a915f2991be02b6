/** A backend, a model on it, and perhaps an adapter: what every command starts with. */
import {
  createNoiseSchedule,
  parseSchedulerConfig,
  type NoiseSchedule,
} from '@loop-diffusion/diffusion-mdp';
import {
  loadStableDiffusion,
  loraFromSafetensors,
  type LoraAdapter,
  type StableDiffusion,
} from '@loop-diffusion/diffusion-models';
import {
  useBestBackend,
  type BackendChoice,
  type Precision,
} from '@loop-diffusion/native-tensorflow';

import { backendOptions } from './backend-options';
import type { BackendSetting } from './configuration/schema';
import { readAdapterFile } from './files/read-adapter-file';
import { resolveModel } from './files/resolve-model';

export interface OpenModel {
  readonly backend: BackendChoice;
  readonly model: StableDiffusion;
  readonly schedule: NoiseSchedule;
  readonly adapter: LoraAdapter | undefined;
}

/**
 * @param lora a LoRA file, or a folder with `pytorch_lora_weights.safetensors`
 * @throws an error whose message says what is wrong with the model, the adapter or the backend
 */
export async function openModel(options: {
  readonly model: string;
  readonly lora?: string | undefined;
  readonly backend: BackendSetting;
  /** Of the smallest batch that the model will work on. */
  readonly rows: number;
  readonly precision?: Precision | undefined;
}): Promise<OpenModel> {
  // Files are looked at before the backend, which takes longer to start.
  const reader = await resolveModel(options.model);
  const adapterBytes = options.lora === undefined ? undefined : await readAdapterFile(options.lora);
  const backend = await useBestBackend({
    ...backendOptions(options.backend, options.rows, options.precision),
    quiet: true,
  });
  const model = await loadStableDiffusion(reader);
  try {
    const schedule = createNoiseSchedule(parseSchedulerConfig(model.scheduler));
    const adapter =
      adapterBytes === undefined
        ? undefined
        : loraFromSafetensors(adapterBytes, model.unet.weights);
    return { backend, model, schedule, adapter };
  } catch (error) {
    model.dispose();
    throw error;
  }
}
