import { join } from 'node:path';

import { loraToSafetensors } from '@loop-diffusion/diffusion-models';

import { ADAPTER_FILE } from './files/adapter-file';
import { writeFileAtomically } from './files/write-atomically';
import type { PreparedRun } from './prepare-run';

/** Writes the adapter as diffusers' `load_lora_weights` reads it. */
export function saveAdapter(run: PreparedRun, folder = join(run.config.output, 'adapter')): void {
  writeFileAtomically(join(folder, ADAPTER_FILE), loraToSafetensors(run.adapter));
}
