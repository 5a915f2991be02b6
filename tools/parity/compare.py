"""Draws the pictures of draw.ts again with Python's diffusers, and says by how much they differ.

    pip install torch==2.13.0 diffusers==0.35.2 transformers==4.57.6 accelerate safetensors
    python tools/parity/compare.py FILE [FILE ...]

Each FILE was written by draw.ts. The model is loaded with StableDiffusionPipeline.from_pretrained in float32 and run as
it is; only the scheduler's noise is replaced by the file's, so that both draw the same picture.
"""

import json
import sys

import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline
from safetensors import safe_open

LARGEST_IMAGE_DIFFERENCE = 1 / 255


class GivenNoise(DDIMScheduler):
    """DDIM that takes the noise of its steps from a list."""

    noise: list

    def step(self, model_output, timestep, sample, eta=0.0, **options):
        options.pop("generator", None)
        noise = self.noise.pop(0)
        return super().step(
            model_output, timestep, sample, eta=eta, variance_noise=noise if eta > 0 else None, **options
        )


def compare(path: str) -> bool:
    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}
        metadata = file.metadata()
    settings = json.loads(metadata["settings"])
    pipeline = StableDiffusionPipeline.from_pretrained(metadata["model"], torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    scheduler = GivenNoise.from_config(pipeline.scheduler.config)
    scheduler.noise = list(tensors["noise"].unbind(1))
    pipeline.scheduler = scheduler
    trace = []

    def remember(pipe, index, timestep, values):
        trace.append(values["latents"].clone())
        return values

    images = pipeline(
        json.loads(metadata["prompts"]),
        height=tensors["images"].shape[2],
        width=tensors["images"].shape[3],
        num_inference_steps=settings["steps"],
        guidance_scale=settings["guidance"],
        eta=settings["eta"],
        latents=tensors["latents"],
        output_type="pt",
        callback_on_step_end=remember,
        callback_on_step_end_tensor_inputs=["latents"],
    ).images
    latents = torch.stack(trace, 1)
    latent_difference = (latents - tensors["trace"][:, 1:]).abs().max().item()
    image_difference = (images - tensors["images"]).abs()
    bytes_differing = (
        ((images * 255).round() != (tensors["images"] * 255).round()).float().mean().item()
    )
    print(
        f"steps {settings['steps']}, eta {settings['eta']}, guidance {settings['guidance']}: "
        f"largest difference of latents {latent_difference:.2e} (largest value {latents.abs().max().item():.1f}), "
        f"of images in [0, 1] {image_difference.max().item():.2e} (mean {image_difference.mean().item():.2e}), "
        f"bytes that differ {100 * bytes_differing:.3f} %"
    )
    return image_difference.max().item() <= LARGEST_IMAGE_DIFFERENCE


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if not all([compare(path) for path in sys.argv[1:]]):
        sys.exit("the pictures differ by more than one step of an 8-bit picture")
