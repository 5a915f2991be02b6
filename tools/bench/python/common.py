"""What the workers share: threads, prompts, the reward, and an adapter that does something."""

import contextlib
import io
import os
import warnings

import numpy
import torch
from PIL import Image

warnings.filterwarnings("ignore")
# As many as Node counts; PyTorch by itself may take one per physical core.
torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())

LORA_TARGETS = ["to_q", "to_k", "to_v", "to_out.0"]


def quiet_libraries() -> None:
    import diffusers
    import transformers

    diffusers.utils.logging.set_verbosity_error()
    transformers.utils.logging.set_verbosity_error()


def precision(settings: dict):
    """What the operands of convolutions and products are rounded to, as a context."""
    if settings["precision"] == "bfloat16":
        return torch.autocast(settings["device"], torch.bfloat16)
    return contextlib.nullcontext()


def round_frozen_weights(module: torch.nn.Module) -> None:
    """To bfloat16, as autocast does at each call of a layer: the same numbers, sooner and in less memory."""
    for part in module.modules():
        parameters = list(part.parameters(recurse=False))
        if isinstance(part, (torch.nn.Linear, torch.nn.Conv2d)) and not any(p.requires_grad for p in parameters):
            part.to(torch.bfloat16)


def prompts_of_images(settings: dict) -> list[str]:
    """k times each of the first prompts of the file."""
    with open(settings["promptFile"], encoding="utf-8") as file:
        prompts = [line.strip() for line in file if line.strip()]
    return [prompt for prompt in prompts[: settings["prompts"]] for _ in range(settings["k"])]


def jpeg_sizes(images: torch.Tensor) -> numpy.ndarray:
    """Kilobytes of each image, `[images, 3, height, width]` in [0, 1], as JPEG of quality 95."""
    pixels = (images.float().clamp(0, 1) * 255).round().to(torch.uint8)
    sizes = []
    for image in pixels.permute(0, 2, 3, 1).cpu().numpy():
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, format="JPEG", quality=95)
        sizes.append(buffer.tell() / 1000)
    return numpy.array(sizes, dtype=numpy.float32)


def randomize_up_weights(module: torch.nn.Module) -> None:
    """Weights as after some training: a fresh adapter's up weights are zero, and with them it would change nothing."""
    generator = torch.Generator().manual_seed(1)
    for name, parameter in module.named_parameters():
        if "lora_B" in name:
            parameter.data.copy_(0.02 * torch.randn(parameter.shape, generator=generator))


def batch_sizes(settings: dict) -> tuple[int, int]:
    """Images per backward pass, at most TRL's 8 or so, and backward passes per optimizer step."""
    per_update = settings["prompts"] * settings["k"] // settings["updates"]
    train_batch = min(8, per_update)
    return train_batch, per_update // train_batch
