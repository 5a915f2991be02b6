"""Writes packages/diffusion-models/fixtures/unet-table.json: random small configurations of UNet2DConditionModel, and what
diffusers computes in float64, with float32 weights and inputs that follow from their names.

    python tools/parity/unet-table.py
"""

import json
import random
from pathlib import Path

import numpy as np
import torch
from diffusers import UNet2DConditionModel

out = Path(__file__).parents[2] / "packages" / "diffusion-models" / "fixtures" / "unet-table.json"
draw = random.Random(0)
torch.set_num_threads(1)


def mixed(x: np.ndarray) -> np.ndarray:
    """Spreads 32-bit integers: lowbias32 (Ellis)."""
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x ^= x >> np.uint32(shift)
        x *= np.uint32(factor)
    return x ^ (x >> np.uint32(16))


def numbers(name: str, count: int) -> np.ndarray:
    """In [-1, 1), from the name's characters and the place: the same in any language."""
    seed = np.uint32(2166136261)
    with np.errstate(over="ignore"):
        for byte in name.encode():
            seed = (seed ^ np.uint32(byte)) * np.uint32(16777619)
        places = np.arange(count, dtype=np.uint32) * np.uint32(2654435769) + seed
        return (mixed(places).astype(np.float64) / 2**31 - 1).astype(np.float32)


def tensor(name: str, *shape: int) -> torch.Tensor:
    return torch.from_numpy(numbers(name, int(np.prod(shape)))).reshape(shape)


def weight(name: str, shape: torch.Size) -> torch.Tensor:
    values = tensor(name, *shape)
    if len(shape) == 1:
        return 0.2 * values if name.endswith(".bias") else 1 + 0.2 * values
    return values * np.float32((3 / np.prod(shape[1:])) ** 0.5)


def configuration() -> dict:
    levels = draw.randint(1, 3)
    groups = draw.choice([2, 4])
    channels = [groups * draw.choice([2, 4, 6]) for _ in range(levels)]
    attends = [draw.random() < 0.6 for _ in range(levels)]
    per_level = lambda values: values if draw.random() < 0.5 else values[0]
    heads = [draw.choice([h for h in (1, 2, 4) if c % h == 0]) for c in channels]
    if any(c % heads[0] for c in channels):
        heads[0] = 1
    config = dict(
        block_out_channels=channels,
        norm_num_groups=groups,
        norm_eps=draw.choice([1e-5, 1e-3]),
        layers_per_block=draw.randint(1, 2),
        down_block_types=["CrossAttnDownBlock2D" if a else "DownBlock2D" for a in attends],
        up_block_types=["CrossAttnUpBlock2D" if a else "UpBlock2D" for a in reversed(attends)],
        attention_head_dim=per_level(heads),
        transformer_layers_per_block=per_level([draw.randint(1, 2) for _ in range(levels)]),
        cross_attention_dim=draw.choice([6, 10]),
        use_linear_projection=draw.random() < 0.5,
        flip_sin_to_cos=draw.random() < 0.7,
        freq_shift=draw.choice([0, 0, 1]),
        in_channels=4,
        out_channels=draw.choice([4, 8]),
        sample_size=8,
    )
    if draw.random() < 0.5:
        config |= dict(
            addition_embed_type="text_time",
            addition_time_embed_dim=draw.choice([4, 6]),
        )
        config["projection_class_embeddings_input_dim"] = 5 + 6 * config["addition_time_embed_dim"]
    return config


def summary(values: torch.Tensor) -> dict:
    """Of [batch, channels, height, width]."""
    flat = values.detach().double().flatten()
    places = [int(i * (len(flat) - 1) / 9) for i in range(10)]
    return dict(
        shape=list(values.shape),
        l2=float(flat.norm()),
        largest=float(flat.abs().max()),
        values=[float(flat[p]) for p in places],
    )


rows = []
for _ in range(32):
    config = configuration()
    levels = len(config["block_out_channels"])
    smallest = 2 ** (levels - 1)
    batch = draw.randint(1, 2)
    height, width = (draw.randint(smallest, smallest + 5) for _ in range(2))
    tokens = draw.choice([1, 7])
    timesteps = [draw.randint(0, 999) for _ in range(batch)]
    sizes = [draw.choice([0, 16, 512, 1024]) for _ in range(6)]
    unet = UNet2DConditionModel(**config)
    unet.load_state_dict({key: weight(key, value.shape) for key, value in unet.state_dict().items()})
    unet.double()
    sample = tensor("sample", batch, 4, height, width).double().requires_grad_()
    text = tensor("text", batch, tokens, config["cross_attention_dim"]).double()
    added = None
    if "addition_embed_type" in config:
        added = dict(text_embeds=tensor("text_embeds", batch, 5).double(), time_ids=torch.tensor([sizes] * batch))
    output = unet(sample, torch.tensor(timesteps), text, added_cond_kwargs=added).sample
    (output * tensor("output", *output.shape)).sum().backward()
    rows.append(
        dict(
            config={key: value for key, value in unet.config.items() if not key.startswith("_")}
            if len(rows) == 0
            else config,
            input=dict(
                batch=batch, height=height, width=width, tokens=tokens, timesteps=timesteps, sizes=sizes
            ),
            output=summary(output),
            gradient=summary(sample.grad),
        )
    )
out.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")
print(out, len(rows), "rows,", out.stat().st_size, "bytes")
