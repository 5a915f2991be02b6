"""Records the latents that diffusers' pipeline ends with under other schedulers, for the tests of packages/trainer.

    pip install torch==2.13.0 diffusers==0.35.2 transformers==4.57.6 accelerate safetensors
    python tools/parity/schedulers_pipeline.py packages/shapes-benchmark/model packages/trainer/fixtures/samplers
"""

import json
import sys
from pathlib import Path

import torch
from diffusers import DPMSolverMultistepScheduler, EulerDiscreteScheduler, StableDiffusionPipeline
from safetensors.torch import save_file

CLASSES = {"euler": EulerDiscreteScheduler, "dpm-solver++": DPMSolverMultistepScheduler}
SETTINGS = {"prompts": ["two red squares", "a blue circle above a green triangle"], "steps": 8, "guidance": 3}

if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    model, folder = sys.argv[1], Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    pipeline = StableDiffusionPipeline.from_pretrained(model, torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    config, side = pipeline.scheduler.config, pipeline.unet.config.sample_size
    torch.manual_seed(0)
    tensors = {"latents": torch.randn(len(SETTINGS["prompts"]), pipeline.unet.config.in_channels, side, side)}
    for name, scheduler in CLASSES.items():
        pipeline.scheduler = scheduler.from_config(config)
        tensors[f"{name}.final"] = pipeline(
            SETTINGS["prompts"],
            num_inference_steps=SETTINGS["steps"],
            guidance_scale=SETTINGS["guidance"],
            latents=tensors["latents"],
            output_type="latent",
        ).images
        tensors[f"{name}.timesteps"] = pipeline.scheduler.timesteps.to(torch.float32)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "io.safetensors")
    (folder / "cases.json").write_text(json.dumps(SETTINGS, indent=2) + "\n")
