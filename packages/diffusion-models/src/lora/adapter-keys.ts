/** The two factors of a module's change, and the alpha that the file gives it. */
export type LoraPart = 'down' | 'up' | 'alpha';

export interface AdapterKey {
  /** The adapted module's path inside the UNet. */
  readonly path: string;
  readonly part: LoraPart;
}

/** Before all that changes what the text encoder makes of a prompt: its layers, and the embeddings that some files bring along. */
const TEXT = /^(text_encoder|lora_te|bundle_emb)/;

/** Does a key of an adapter file belong to the text encoder, which adapters do not change here? */
export function isOfTextEncoder(key: string): boolean {
  return TEXT.test(key);
}

/** Does a file with this key follow peft's own layout, which keeps alpha in a file of its own? */
export function isPeftKey(key: string): boolean {
  return key.startsWith('base_model.model.');
}

/** Marks of files that hold something else than plain low-rank factors of the UNet, and what to say about them. */
const UNSUPPORTED: readonly (readonly [RegExp, string])[] = [
  [
    TEXT,
    "it adapts the text encoder too, which is not supported; the UNet's part can be read alone (ignoreTextEncoder)",
  ],
  [/dora_scale|lora_magnitude_vector/, 'it is a DoRA adapter, which is not supported'],
  [/hada_|lokr_|oft_|\.diff(_b)?$/, 'it is a LyCORIS adapter, which is not supported'],
  [/lora_mid|lora_embedding|\.lora_[AB]\.bias$/, 'such parts of adapters are not supported'],
];

/** The file layouts known: how a key ends, what stands before the UNet's path, and which part it holds. */
const DOTTED =
  /^(?:unet\.|base_model\.model\.(?:unet\.)?)?(?<path>.+)\.(?<part>lora\.down|lora\.up|lora_A|lora_B)(?:\.default)?\.weight$/;
const PROCESSOR =
  /^(?:unet\.)?(?<path>.+)\.processor\.(?<projection>to_[qkv]|to_out)_lora\.(?<part>down|up)\.weight$/;
const KOHYA = /^lora_unet_(?<path>[^.]+)\.(?<part>lora_down\.weight|lora_up\.weight|alpha)$/;

const PART: Readonly<Record<string, LoraPart>> = {
  'lora.down': 'down',
  'lora.up': 'up',
  lora_A: 'down',
  lora_B: 'up',
  down: 'down',
  up: 'up',
  'lora_down.weight': 'down',
  'lora_up.weight': 'up',
  alpha: 'alpha',
};

/**
 * What a key of an adapter file stands for. Known layouts: diffusers (`unet.<path>.lora.down.weight`), peft
 * (`lora_A`, `lora_B`), diffusers' old attention processors (`<path>.processor.to_q_lora.down.weight`) and kohya
 * (`lora_unet_<name>.lora_down.weight`, `.alpha`).
 *
 * @param kohyaPaths the UNet's modules by kohya's names, from `pathsByKohyaName`
 * @throws Error when the key belongs to no layout, or to something that is not supported
 */
export function parseAdapterKey(key: string, kohyaPaths: ReadonlyMap<string, string>): AdapterKey {
  for (const [mark, reason] of UNSUPPORTED) {
    if (mark.test(key)) throw new Error(`The adapter holds ${JSON.stringify(key)}: ${reason}.`);
  }
  const kohya = KOHYA.exec(key)?.groups;
  if (kohya !== undefined) {
    const name = kohya['path'] ?? '';
    // A name of no module here keeps its form; the caller then says that the model lacks it.
    return result(kohyaPaths.get(name) ?? name, kohya['part']);
  }
  const processor = PROCESSOR.exec(key)?.groups;
  if (processor !== undefined) {
    const projection = processor['projection'] === 'to_out' ? 'to_out.0' : processor['projection'];
    return result(`${processor['path'] ?? ''}.${projection ?? ''}`, processor['part']);
  }
  const dotted = DOTTED.exec(key)?.groups;
  if (dotted !== undefined) return result(dotted['path'], dotted['part']);
  throw new Error(
    `The adapter holds ${JSON.stringify(key)}, which belongs to no known LoRA layout (diffusers, peft, kohya).`,
  );
}

function result(path = '', part = ''): AdapterKey {
  const known = PART[part];
  if (known === undefined) throw new Error(`unknown part ${part}`);
  return { path, part: known };
}
