"""The same work as `measure.ts` with diffusers and PyTorch, float32 on the processor.

    python measure.py --model FOLDER --work sample|iteration [--size 512] [--checkpoint]
"""

import time

started = time.perf_counter()

import argparse
import io
import json
import resource

import torch
from diffusers import DDIMScheduler, DiffusionPipeline
from PIL import Image

arguments = argparse.ArgumentParser()
arguments.add_argument("--model", required=True)
arguments.add_argument("--work", default="sample")
arguments.add_argument("--size", type=int, default=512)
arguments.add_argument("--steps", type=int, default=4)
arguments.add_argument("--checkpoint", action="store_true")
options = arguments.parse_args()
GUIDANCE = 7.5
seconds: dict[str, float] = {}
last = started


def lap(phase: str) -> None:
    global last
    now = time.perf_counter()
    seconds[phase] = seconds.get(phase, 0) + now - last if options.work == "iteration" else now - last
    last = now


pipeline = DiffusionPipeline.from_pretrained(
    options.model, torch_dtype=torch.float32, local_files_only=True
)
scheduler = DDIMScheduler.from_config(pipeline.scheduler.config)
scheduler.set_timesteps(options.steps)
unet, vae = pipeline.unet.eval().requires_grad_(False), pipeline.vae.eval().requires_grad_(False)
is_xl = "text_encoder_2" in pipeline.components
lap("start and load")
rows = 2 if options.work == "iteration" else 1
with torch.inference_mode():
    if is_xl:
        states, _, pooled, _ = pipeline.encode_prompt(["a photo of a red circle"], do_classifier_free_guidance=False)
        states, pooled = torch.cat([torch.zeros_like(states), states]), torch.cat([torch.zeros_like(pooled), pooled])
        ids = torch.tensor([[options.size, options.size, 0, 0, options.size, options.size]] * 2)
        added = {"text_embeds": pooled, "time_ids": ids}
    else:
        states, empty = pipeline.encode_prompt("a photo of a red circle", "cpu", 1, True)
        states, added = torch.cat([empty, states]), None
# What was made for inference alone cannot be kept for a gradient.
states, added = states.clone(), added and {key: value.clone() for key, value in added.items()}
pipeline.text_encoder = None
if is_xl:
    pipeline.text_encoder_2 = None
lap("text")


def repeat(tensor: torch.Tensor, count: int) -> torch.Tensor:
    return tensor.repeat_interleave(count, 0)


def predict(latents: torch.Tensor, timestep) -> torch.Tensor:
    count = len(latents)
    condition = added and {key: repeat(value, count) for key, value in added.items()}
    both = unet(torch.cat([latents] * 2), timestep, repeat(states, count), added_cond_kwargs=condition).sample
    unconditional, conditional = both.chunk(2)
    return unconditional + GUIDANCE * (conditional - unconditional)


def decode(latents: torch.Tensor) -> torch.Tensor:
    return (vae.decode(latents / vae.config.scaling_factor).sample / 2 + 0.5).clamp(0, 1)


torch.manual_seed(0)
side = options.size // 8
latents = torch.randn(rows, 4, side, side)
trajectory = [latents]
if options.work == "sample":
    with torch.inference_mode():
        for index, timestep in enumerate(scheduler.timesteps):
            latents = scheduler.step(predict(latents, timestep), timestep, latents, eta=1.0).prev_sample
            lap("first step" if index == 0 else "each further step")
        decode(latents)
        lap("decode")
else:
    from peft import LoraConfig
    from trl.models.modeling_sd_base import scheduler_step

    unet.add_adapter(LoraConfig(r=4, lora_alpha=4, init_lora_weights="gaussian", target_modules=["to_q", "to_k", "to_v", "to_out.0"]))
    if options.checkpoint:
        unet.enable_gradient_checkpointing()
        unet.train()
    trained = [parameter for parameter in unet.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, 3e-4)
    last = time.perf_counter()
    old = []
    with torch.inference_mode():
        for timestep in scheduler.timesteps:
            output = scheduler_step(scheduler, predict(latents, timestep), timestep, latents, 1.0)
            latents = output.latents
            trajectory.append(latents)
            old.append(output.log_probs)
        lap("rollout")
        images = decode(latents)
        lap("decode")
        rewards = []
        for image in (images * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy():
            file = io.BytesIO()
            Image.fromarray(image).save(file, "JPEG", quality=95)
            rewards.append(len(file.getvalue()) / 1000)
        lap("reward")
    rewards = torch.tensor(rewards)
    advantages = rewards - rewards.flip(0)
    points, logs = [point.clone() for point in trajectory], [log.clone() for log in old]
    # All but the last two steps, as is ours without being told.
    steps = list(enumerate(scheduler.timesteps))[:-2]
    for sample in range(rows):
        optimizer.zero_grad()
        for index, timestep in steps:
            point, following = points[index][sample : sample + 1], points[index + 1][sample : sample + 1]
            log = scheduler_step(scheduler, predict(point, timestep), timestep, point, 1.0, prev_sample=following).log_probs
            ratio = torch.exp(log - logs[index][sample])
            advantage = advantages[sample]
            loss = torch.maximum(-advantage * ratio, -advantage * ratio.clamp(1 - 1e-4, 1 + 1e-4))
            (loss.mean() / len(steps)).backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
    lap("update")
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
print(json.dumps({**vars(options), "seconds": seconds, "peakGigabytes": peak}))
