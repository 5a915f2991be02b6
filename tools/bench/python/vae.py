"""From latents to pictures."""

import protocol

import torch
from common import precision, quiet_libraries
from diffusers import AutoencoderKL

settings = protocol.settings()
device = settings["device"]
quiet_libraries()
torch.manual_seed(0)
vae = AutoencoderKL(**settings["config"]).eval().requires_grad_(False).to(device)
layout = torch.channels_last if settings["channelsLast"] else torch.contiguous_format
vae.to(memory_format=layout)
side = settings["latentSize"]
latents = torch.randn(settings["batch"], vae.config.latent_channels, side, side)
latents = latents.to(device, memory_format=layout)


@torch.inference_mode()
def decode():
    with precision(settings):
        decoded = vae.decode(latents / vae.config.scaling_factor, return_dict=False)[0]
    # As diffusers' image processor gives them to who wants numbers.
    return (decoded.float() / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).contiguous().cpu().numpy()


def repeat() -> dict:
    clock = protocol.Clock(device)
    with clock.time("total"):
        decode()
    return clock.seconds


repeat()
protocol.serve(repeat)
