/** A folder that says it is Stable Diffusion XL, without weights. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export function writePublishedConfig(folder: string): string {
  mkdirSync(join(folder, 'unet'), { recursive: true });
  writeFileSync(join(folder, 'model_index.json'), '{}');
  const unet = { block_out_channels: [320, 640, 1280], addition_embed_type: 'text_time' };
  writeFileSync(join(folder, 'unet', 'config.json'), JSON.stringify(unet));
  return folder;
}
