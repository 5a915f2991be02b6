import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Absolute path of the miniature Stable Diffusion that ships with this package: a folder in
 * diffusers' layout (`model_index.json`, `unet/`, `vae/`, `text_encoder/`, `tokenizer/`,
 * `scheduler/`).
 */
export function shapesModelFolder(): string {
  // CommonJS has __dirname, ES modules have import.meta; src/ and dist/ both lie beside model/.
  const here = typeof __dirname === 'string' ? __dirname : dirname(fileURLToPath(import.meta.url));
  return join(here, '..', 'model');
}
