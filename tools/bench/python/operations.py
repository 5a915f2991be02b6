"""Single operations at the sizes of a Stable Diffusion's first level."""

import protocol

import torch
import torch.nn.functional as F
import common  # noqa: F401  sets the number of threads

settings = protocol.settings()
device = settings["device"]
torch.manual_seed(0)
layout = torch.channels_last if settings["channelsLast"] else torch.contiguous_format
batch, channels, size = settings["batch"], settings["channels"], settings["size"]
heads, groups, side = settings["heads"], settings["groups"], settings["matrix"]
pixels, wide = size * size, 4 * channels

# What a model hands from layer to layer under autocast.
dtype = getattr(torch, settings["precision"])


def random(*shape):
    return torch.randn(*shape).to(device, dtype)


image = random(batch, channels, size, size).contiguous(memory_format=layout)
kernel, bias = random(channels, channels, 3, 3).contiguous(memory_format=layout), random(channels)
scale, shift = random(channels), random(channels)
square, other_square = random(side, side), random(side, side)
tokens, matrix = random(batch * pixels, channels), random(channels, wide)
packed = random(batch, pixels, 3 * channels)
value, gate = random(batch * pixels, wide), random(batch * pixels, wide)


def attention():
    """From queries, keys and values side by side to the heads' results side by side, as in a model."""
    parts = packed.reshape(batch, pixels, 3, heads, channels // heads).permute(2, 0, 3, 1, 4)
    result = F.scaled_dot_product_attention(*parts)
    return result.transpose(1, 2).reshape(batch, pixels, channels)


work = {
    "matrix product, square": lambda: square @ other_square,
    "matrix product, tokens": lambda: tokens @ matrix,
    "convolution 3×3": lambda: F.conv2d(image, kernel, bias, padding=1),
    "group norm and SiLU": lambda: F.silu(F.group_norm(image, groups, scale, shift, 1e-5)),
    "softmax attention": attention,
    "GEGLU": lambda: value * F.gelu(gate),
}


@torch.inference_mode()
def repeat() -> dict:
    clock = protocol.Clock(device)
    for name, call in work.items():
        with clock.time(name):
            for _ in range(settings["calls"]):
                call()
    seconds = {name: value / settings["calls"] for name, value in clock.seconds.items()}
    return {**seconds, "total": sum(seconds.values())}


repeat()
protocol.serve(repeat)
