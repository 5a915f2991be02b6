/** The name under which diffusers' `load_lora_weights` looks for an adapter in a folder. */
export const ADAPTER_FILE = 'pytorch_lora_weights.safetensors';
