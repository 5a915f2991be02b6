"""Writes packages/diffusion-models/fixtures/pipeline-xl: a tiny StableDiffusionXLPipeline with random weights, its UNet in
shards, and what it makes of two prompts.

    python tools/parity/xl-fixture.py
"""

import json
import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
)

fixtures = Path(__file__).parents[2] / "packages" / "diffusion-models" / "fixtures"
out = fixtures / "pipeline-xl"
torch.manual_seed(0)
torch.set_num_threads(1)

tokenizer = CLIPTokenizer.from_pretrained(fixtures / "tokenizer")
tokenizer_2 = CLIPTokenizer.from_pretrained(fixtures / "tokenizer", pad_token="!")
text = dict(
    vocab_size=len(tokenizer),
    num_hidden_layers=2,
    max_position_embeddings=77,
    bos_token_id=tokenizer.bos_token_id,
    # As the published configurations have it: the pooled state is taken at the largest id.
    eos_token_id=2,
)
encoder = CLIPTextModel(
    CLIPTextConfig(
        **text, hidden_size=8, intermediate_size=16, num_attention_heads=2, hidden_act="quick_gelu"
    )
)
encoder_2 = CLIPTextModelWithProjection(
    CLIPTextConfig(
        **text,
        hidden_size=12,
        intermediate_size=24,
        num_attention_heads=3,
        hidden_act="gelu",
        projection_dim=10,
    )
)
unet = UNet2DConditionModel(
    sample_size=8,
    block_out_channels=(8, 16),
    down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
    up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    layers_per_block=1,
    cross_attention_dim=20,
    attention_head_dim=(2, 4),
    transformer_layers_per_block=(1, 2),
    norm_num_groups=4,
    use_linear_projection=True,
    addition_embed_type="text_time",
    addition_time_embed_dim=4,
    projection_class_embeddings_input_dim=10 + 6 * 4,
)
vae = AutoencoderKL(
    block_out_channels=(4, 8),
    down_block_types=("DownEncoderBlock2D",) * 2,
    up_block_types=("UpDecoderBlock2D",) * 2,
    norm_num_groups=2,
    sample_size=16,
    scaling_factor=0.13025,
)
scheduler = DDIMScheduler(
    beta_start=0.00085,
    beta_end=0.012,
    beta_schedule="scaled_linear",
    clip_sample=False,
    set_alpha_to_one=False,
    steps_offset=1,
)
pipeline = StableDiffusionXLPipeline(
    vae, encoder, encoder_2, tokenizer, tokenizer_2, unet, scheduler, add_watermarker=False
)
shutil.rmtree(out, ignore_errors=True)
pipeline.save_pretrained(out)
unet.save_pretrained(out / "unet", max_shard_size="60KB")
(out / "unet" / "diffusion_pytorch_model.safetensors").unlink(missing_ok=True)

prompts = ["a red circle above a blue square", "two green triangles"]
latents = torch.randn(2, 4, 8, 8)
tensors = {"latents": latents}
with torch.no_grad():
    states, _, pooled, _ = pipeline.encode_prompt(prompts, do_classifier_free_guidance=False)
    empty, _, empty_pooled, _ = pipeline.encode_prompt("", do_classifier_free_guidance=False)
    tensors |= {"states": states, "pooled": pooled}
    # What a negative prompt of no characters gives; without one the pipeline takes zeros.
    tensors |= {"empty.states": empty, "empty.pooled": empty_pooled}
    for name, settings in {
        "guided": dict(guidance_scale=5.0),
        "plain": dict(guidance_scale=1.0),
        "encoded_empty": dict(guidance_scale=5.0, negative_prompt=["", ""]),
    }.items():
        call = dict(
            prompt=prompts, height=16, width=16, num_inference_steps=3, eta=0.0, latents=latents.clone()
        )
        tensors[f"{name}.latents"] = pipeline(**call, **settings, output_type="latent").images
save_file({key: value.contiguous() for key, value in tensors.items()}, out / "io.safetensors")
(out / "cases.json").write_text(
    json.dumps({"prompts": prompts, "steps": 3, "height": 16, "width": 16}) + "\n"
)
(out / "README.md").write_text(
    "A `StableDiffusionXLPipeline` of diffusers 0.35.2 with random weights, its UNet in shards, and what it made of the "
    "prompts in `cases.json`. Written by `tools/parity/xl-fixture.py`.\n"
)
