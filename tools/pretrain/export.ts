import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stableDiffusionFiles } from '@loop-diffusion/diffusion-models';
import { schedulerConfig } from './configuration';
import { tokenizerFiles } from './diffusion';
import type { SamplingModel } from './sampling';

/** Written by the stage "card"; they stay when the model is replaced. */
const cardFiles = ['README.md', 'samples.png'];

/**
 * Writes the model as a diffusers folder with float16 weights: first beside `folder`, then renamed, so that
 * nobody sees half a model.
 */
export function exportModel(model: SamplingModel, folder: string): void {
  const files = stableDiffusionFiles(
    {
      unet: model.unet,
      vae: {
        weights: model.vae.weights,
        config: { ...model.vae.config, scalingFactor: model.scalingFactor },
      },
      textEncoder: model.textEncoder,
      tokenizerFiles: tokenizerFiles(),
      scheduler: schedulerConfig,
    },
    { dtype: 'F16' },
  );
  const fresh = `${folder}.new`;
  const old = `${folder}.old`;
  rmSync(fresh, { recursive: true, force: true });
  rmSync(old, { recursive: true, force: true });
  for (const [path, content] of files) {
    mkdirSync(dirname(join(fresh, path)), { recursive: true });
    writeFileSync(join(fresh, path), content);
  }
  for (const name of cardFiles) {
    if (existsSync(join(folder, name))) copyFileSync(join(folder, name), join(fresh, name));
  }
  if (existsSync(folder)) renameSync(folder, old);
  renameSync(fresh, folder);
  rmSync(old, { recursive: true, force: true });
}
