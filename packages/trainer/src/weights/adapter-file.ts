/** The name under which diffusers' `load_lora_weights` looks for an adapter in a folder. */
export const ADAPTER_FILE = 'pytorch_lora_weights.safetensors';

/** What `save_pretrained` of peft names an adapter, and the file beside it that has its alpha. */
export const PEFT_ADAPTER_FILE = 'adapter_model.safetensors';
export const PEFT_CONFIG_FILE = 'adapter_config.json';
