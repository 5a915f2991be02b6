"""The two blocks that a UNet consists of, forward and with their gradients."""

import protocol

import peft
import torch
from common import LORA_TARGETS, quiet_libraries, randomize_up_weights
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.transformers.transformer_2d import Transformer2DModel

settings = protocol.settings()
device = settings["device"]
quiet_libraries()
torch.manual_seed(0)
layout = torch.channels_last if settings["channelsLast"] else torch.contiguous_format
batch, channels, size = settings["batch"], settings["channels"], settings["size"]

residual = ResnetBlock2D(
    in_channels=channels, out_channels=channels, temb_channels=settings["timeChannels"], groups=settings["groups"]
)
transformer = Transformer2DModel(
    num_attention_heads=settings["heads"],
    attention_head_dim=channels // settings["heads"],
    in_channels=channels,
    norm_num_groups=settings["groups"],
    cross_attention_dim=settings["textChannels"],
)
for block in (residual, transformer):
    block.requires_grad_(False)
rank = settings["loraRank"]
peft.inject_adapter_in_model(peft.LoraConfig(r=rank, lora_alpha=rank, target_modules=LORA_TARGETS), transformer)
randomize_up_weights(transformer)
for block in (residual, transformer):
    block.to(device, memory_format=layout)

x = torch.randn(batch, channels, size, size).to(device, memory_format=layout)
time = torch.randn(batch, settings["timeChannels"]).to(device)
text = torch.randn(batch, settings["tokens"], settings["textChannels"]).to(device)


def through_residual(given):
    return residual(given, time)


def through_transformer(given):
    return transformer(given, encoder_hidden_states=text, return_dict=False)[0]


def forward(block):
    with torch.inference_mode():
        block(x)


def gradient(block):
    given = x.clone().requires_grad_(True)
    block(given).square().mean().backward()
    given.grad.sum()


work = {
    "residual block forward": lambda: forward(through_residual),
    "residual block gradient": lambda: gradient(through_residual),
    "transformer block forward": lambda: forward(through_transformer),
    "transformer block gradient": lambda: gradient(through_transformer),
}


def repeat() -> dict:
    clock = protocol.Clock(device)
    for name, call in work.items():
        with clock.time(name):
            call()
        transformer.zero_grad(set_to_none=True)
    return {**clock.seconds, "total": sum(clock.seconds.values())}


repeat()
protocol.serve(repeat)
