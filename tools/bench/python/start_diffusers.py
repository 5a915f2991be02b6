"""How long a user of diffusers waits for the first denoise step of a model with LoRA. Ready means that the step is done."""

import os

import protocol

import peft
import torch
from common import LORA_TARGETS, prompts_of_images, quiet_libraries
from diffusers import DDIMScheduler, StableDiffusionPipeline

settings = protocol.settings()
device = settings["device"]
quiet_libraries()
pipeline = StableDiffusionPipeline.from_pretrained(
    settings["model"], safety_checker=None, torch_dtype=torch.float32, local_files_only=True
).to(device)
pipeline.set_progress_bar_config(disable=True)
pipeline.scheduler = DDIMScheduler.from_config(pipeline.scheduler.config)
pipeline.unet.requires_grad_(False)
rank = settings["loraRank"]
pipeline.unet.add_adapter(
    peft.LoraConfig(r=rank, lora_alpha=rank, init_lora_weights="gaussian", target_modules=LORA_TARGETS)
)
if settings["channelsLast"]:
    pipeline.unet.to(memory_format=torch.channels_last)


def first_step(*_):
    if device == "cuda":
        torch.cuda.synchronize()
    protocol.report_ready()
    # Nothing that a normal end would wait for.
    os._exit(0)


with torch.inference_mode():
    pipeline(
        prompts_of_images(settings)[: settings["batch"]],
        num_inference_steps=settings["steps"],
        guidance_scale=settings["guidance"],
        eta=1.0,
        callback_on_step_end=first_step,
    )
