/** The name under which diffusers' `UNet2DConditionModel.from_pretrained` looks for weights in a folder. */
export const UNET_FILE = 'diffusion_pytorch_model.safetensors';

/** What a checkpoint names a UNet that is trained as a whole. */
export const CHECKPOINT_UNET_FILE = 'unet.safetensors';
