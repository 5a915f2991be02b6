/** Steps and guidance of a command that draws. */
import type { FileReader } from '@loop-diffusion/diffusion-models';

import { MINIATURE_SAMPLER } from '../api/drawing-options';
import type { Output } from '../terminal/output';
import { readModelDefaults } from '../weights/model-defaults';
import type { CommonFlags } from './context';
import type { SamplerFlags } from './sampler-flags';
import { sayDefaults } from './say-defaults';

/** Those of the flags; where they are left out the model's own, which are said. */
export async function samplerOf(
  reader: FileReader,
  flags: CommonFlags & Pick<SamplerFlags, 'steps' | 'guidance'>,
  output: Output,
): Promise<{ steps: number; guidance: number }> {
  const defaults = await readModelDefaults(reader);
  const { steps, guidance } = flags;
  const sampler = defaults?.settings.sampler ?? MINIATURE_SAMPLER;
  if (defaults !== undefined && (steps === undefined || guidance === undefined)) {
    sayDefaults(defaults, sampler, flags, output);
  }
  return { steps: steps ?? sampler.steps, guidance: guidance ?? sampler.guidance };
}
