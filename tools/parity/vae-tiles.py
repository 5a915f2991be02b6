"""Writes packages/diffusion-models/fixtures/vae/tiles.safetensors: latents that AutoencoderKL decodes in tiles.

    python tools/parity/vae-tiles.py
"""

from pathlib import Path

import torch
from diffusers import AutoencoderKL
from safetensors.torch import save_file

folder = Path(__file__).parents[2] / "packages" / "diffusion-models" / "fixtures" / "vae"
vae = AutoencoderKL.from_pretrained(folder)
vae.enable_tiling()
vae.tile_latent_min_size = 4
vae.tile_sample_min_size = 4 * 2 ** (len(vae.config.block_out_channels) - 1)
torch.manual_seed(0)
latent = torch.randn(2, vae.config.latent_channels, 9, 6)
with torch.no_grad():
    save_file({"latent": latent, "decode": vae.decode(latent).sample}, folder / "tiles.safetensors")
