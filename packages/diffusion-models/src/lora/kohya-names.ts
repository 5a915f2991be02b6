/** How kohya's files, and the front ends that read them, write a module's path: `mid_block_attentions_0_proj_in`. */
export function kohyaName(path: string): string {
  return path.replaceAll('.', '_');
}

/** Modules of the original Stable Diffusion code (Rombach et al. 2022, `openaimodel.py`) that stand alone. */
const SINGLE: Readonly<Record<string, string>> = {
  conv_in: 'input_blocks_0_0',
  conv_out: 'out_2',
  'time_embedding.linear_1': 'time_embed_0',
  'time_embedding.linear_2': 'time_embed_2',
  'add_embedding.linear_1': 'label_emb_0_0',
  'add_embedding.linear_2': 'label_emb_0_2',
};

/** Its names inside a residual block. */
const RESIDUAL: Readonly<Record<string, string>> = {
  conv1: 'in_layers_2',
  time_emb_proj: 'emb_layers_1',
  conv2: 'out_layers_3',
  conv_shortcut: 'skip_connection',
};

const PLACE =
  /^(?<stage>down|mid|up)_block(?:s\.(?<block>\d+))?\.(?<kind>resnets|attentions|downsamplers|upsamplers)\.(?<layer>\d+)\.(?<rest>.+)$/;

/**
 * The UNet's modules by the names that kohya's files may give them: those of diffusers, and those of the original code, which
 * numbers blocks, their layers and their samplers through, as for Stable Diffusion XL.
 *
 * @param paths of all modules of the UNet
 */
export function pathsByKohyaName(paths: readonly string[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const path of paths) {
    const original = originalName(path, paths);
    if (original !== undefined) names.set(original, path);
    names.set(kohyaName(path), path);
  }
  return names;
}

/** @returns undefined for a module that no adapter changes, such as a norm */
function originalName(path: string, paths: readonly string[]): string | undefined {
  const place = PLACE.exec(path)?.groups as Place | undefined;
  if (place === undefined) return SINGLE[path];
  const { stage, kind, rest } = place;
  const block = Number(place.block);
  const layer = Number(place.layer);
  const module = kind === 'resnets' ? RESIDUAL[rest] : kohyaName(rest);
  if (module === undefined) return undefined;
  if (stage === 'mid') return `middle_block_${kind === 'attentions' ? 1 : 2 * layer}_${module}`;
  const inner = kind === 'attentions' ? 1 : 0;
  // A block of the way down is its layers and a sampler; one of the way up has a layer more, which the sampler belongs to.
  const size = layersPerBlock(paths) + 1;
  if (stage === 'down') {
    if (kind === 'downsamplers') return `input_blocks_${(block + 1) * size}_0_op`;
    return `input_blocks_${1 + block * size + layer}_${inner}_${module}`;
  }
  if (kind === 'upsamplers') {
    const attends = paths.some((other) => other.startsWith(`up_blocks.${block}.attentions.`));
    return `output_blocks_${(block + 1) * size - 1}_${attends ? 2 : 1}_conv`;
  }
  return `output_blocks_${block * size + layer}_${inner}_${module}`;
}

interface Place {
  readonly stage: 'down' | 'mid' | 'up';
  readonly block: string | undefined;
  readonly kind: 'resnets' | 'attentions' | 'downsamplers' | 'upsamplers';
  readonly layer: string;
  readonly rest: string;
}

function layersPerBlock(paths: readonly string[]): number {
  return paths.filter((path) => /^down_blocks\.0\.resnets\.\d+\.conv1$/.test(path)).length;
}
