"""A UNet's forward pass, or the gradient of an adapter through it."""

import protocol

import peft
import torch
from common import LORA_TARGETS, precision, quiet_libraries, randomize_up_weights
from diffusers import UNet2DConditionModel

settings = protocol.settings()
device = settings["device"]
quiet_libraries()
torch.manual_seed(0)
if "folder" in settings["model"]:
    unet = UNet2DConditionModel.from_pretrained(settings["model"]["folder"], subfolder="unet")
else:
    unet = UNet2DConditionModel(**settings["model"]["config"])
unet.requires_grad_(False)
unet.to(device)
if settings["channelsLast"]:
    unet.to(memory_format=torch.channels_last)

batch, side = settings["batch"], settings["latentSize"]
sample = torch.randn(batch, unet.config.in_channels, side, side).to(device)
text = torch.randn(batch, settings["tokens"], unet.config.cross_attention_dim).to(device)
timesteps = torch.full((batch,), 500, device=device)


def forward():
    with torch.inference_mode(), precision(settings):
        unet(sample, timesteps, text)


def gradient():
    with precision(settings):
        output = unet(sample, timesteps, text).sample
    output.float().square().mean().backward()


if settings["work"] == "gradient":
    rank = settings["loraRank"]
    unet.add_adapter(
        peft.LoraConfig(r=rank, lora_alpha=rank, init_lora_weights="gaussian", target_modules=LORA_TARGETS)
    )
    randomize_up_weights(unet)
    unet.train()
else:
    unet.eval()
work = {"forward": forward, "gradient": gradient}[settings["work"]]


def repeat() -> dict:
    clock = protocol.Clock(device)
    with clock.time("total"):
        work()
    # Outside the measured time, as one would do it beside an optimizer step.
    unet.zero_grad(set_to_none=True)
    return clock.seconds


repeat()
protocol.serve(repeat)
