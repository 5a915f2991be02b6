"""The same iteration as LOOP's in plain PyTorch, as fast as we could make it with the results still right.

Both branches of guidance are one batch; a backward pass takes several denoise steps of each image (`group`); in float32 the
adapter is merged into the weights while sampling; in bfloat16, which is autocast's, the frozen weights are rounded once and not
at every call; optionally the UNet goes through torch.compile.
"""

import contextlib
import time

import protocol

import numpy
import peft
import torch
from common import (
    LORA_TARGETS,
    batch_sizes,
    jpeg_sizes,
    precision,
    prompts_of_images,
    quiet_libraries,
    randomize_up_weights,
    round_frozen_weights,
)
from diffusers import StableDiffusionPipeline
from peft.tuners.tuners_utils import BaseTunerLayer

CLIP_RANGE = 1e-4
HALF_LOG_2_PI = 0.5 * float(numpy.log(2 * numpy.pi))


class DenoiseSteps:
    """Coefficients of DDIM's steps at full randomness (Song et al. 2021, eq. 12 and 16): x' = a x + b ε + σ z."""

    def __init__(self, scheduler, steps: int, device: str):
        scheduler.set_timesteps(steps)
        self.timesteps = scheduler.timesteps.to(device)
        alphas = scheduler.alphas_cumprod.double()
        previous = scheduler.timesteps - scheduler.config.num_train_timesteps // steps
        alpha = alphas[scheduler.timesteps]
        alpha_previous = torch.where(
            previous >= 0, alphas[previous.clamp(min=0)], scheduler.final_alpha_cumprod.double()
        )
        variance = (1 - alpha_previous) / (1 - alpha) * (1 - alpha / alpha_previous)
        direction = (1 - alpha_previous - variance).clamp(min=0).sqrt()
        scale = (alpha_previous / alpha).sqrt()
        self.of_sample = scale.float().to(device)
        self.of_output = (direction - scale * (1 - alpha).sqrt()).float().to(device)
        self.sigma = variance.sqrt().float().to(device)

    def mean(self, step, sample, output):
        return per_image(self.of_sample[step]) * sample + per_image(self.of_output[step]) * output

    def log_prob(self, step, following, mean):
        """The mean over a latent's numbers, as DDPO takes it."""
        sigma = self.sigma[step]
        squares = (following - mean).square().mean(dim=(1, 2, 3))
        return -squares / (2 * sigma.square()) - sigma.log() - HALF_LOG_2_PI


def per_image(values):
    return values.reshape(-1, 1, 1, 1)


class Iteration:
    def __init__(self, settings: dict):
        quiet_libraries()
        self.settings = settings
        self.device = settings["device"]
        pipeline = StableDiffusionPipeline.from_pretrained(
            settings["model"], safety_checker=None, torch_dtype=torch.float32
        ).to(self.device)
        self.tokenizer, self.text_encoder = pipeline.tokenizer, pipeline.text_encoder
        self.unet, self.vae = pipeline.unet, pipeline.vae
        for module in (self.unet, self.vae, self.text_encoder):
            module.requires_grad_(False)
        rank = settings["loraRank"]
        self.unet.add_adapter(
            peft.LoraConfig(r=rank, lora_alpha=rank, init_lora_weights="gaussian", target_modules=LORA_TARGETS)
        )
        randomize_up_weights(self.unet)
        for module in (self.unet, self.vae):
            module.to(memory_format=torch.channels_last)
        self.is_rounded = settings["precision"] == "bfloat16"
        if self.is_rounded:
            for module in (self.unet, self.vae, self.text_encoder):
                round_frozen_weights(module)
        self.adapted = [module for module in self.unet.modules() if isinstance(module, BaseTunerLayer)]
        self.parameters = [parameter for parameter in self.unet.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.AdamW(self.parameters, lr=settings["learningRate"], weight_decay=1e-4, fused=True)
        self.denoiser = torch.compile(self.unet) if settings["compile"] else self.unet
        self.steps = DenoiseSteps(pipeline.scheduler, settings["steps"], self.device)
        self.prompts = prompts_of_images(settings)
        side = self.unet.config.sample_size
        self.latent_shape = (len(self.prompts), self.unet.config.in_channels, side, side)
        self.generator = torch.Generator().manual_seed(0)

    def run(self) -> tuple[dict, float]:
        """Seconds by phase, and the largest |ratio − 1| of the first optimizer step."""
        clock = protocol.Clock(self.device)
        start = time.perf_counter()
        with clock.time("text"), torch.no_grad(), precision(self.settings):
            self.conditional = self.encode(self.prompts)
            self.unconditional = self.encode([""])
        with clock.time("rollout"):
            latents, log_probs = self.sample()
        with clock.time("decode"), torch.inference_mode(), precision(self.settings):
            images = self.vae.decode(latents[:, -1] / self.vae.config.scaling_factor).sample.float() / 2 + 0.5
        with clock.time("reward"):
            rewards = torch.from_numpy(jpeg_sizes(images)).reshape(-1, self.settings["k"])
        k = rewards.shape[1]
        advantages = ((rewards - rewards.mean(1, keepdim=True)) * k / (k - 1)).flatten().to(self.device)
        with clock.time("update"):
            deviation = self.update(latents, log_probs, advantages)
        return {**clock.seconds, "total": time.perf_counter() - start}, deviation

    def encode(self, prompts):
        tokens = self.tokenizer(
            prompts,
            return_tensors="pt",
            padding="max_length",
            truncation=True,
            max_length=self.tokenizer.model_max_length,
        )
        return self.text_encoder(tokens.input_ids.to(self.device))[0]

    def predict(self, sample, timesteps, conditional):
        """The guided output of the UNet, both branches in one call."""
        text = torch.cat([self.unconditional.expand(len(sample), -1, -1), conditional])
        with precision(self.settings):
            output = self.denoiser(torch.cat([sample, sample]), torch.cat([timesteps, timesteps]), text).sample
        without, with_prompt = output.float().chunk(2)
        return without + self.settings["guidance"] * (with_prompt - without)

    def noise(self):
        return torch.randn(self.latent_shape, generator=self.generator).to(self.device)

    def sample(self):
        """Latents `[images, steps + 1, …]` and log-probabilities `[images, steps]`."""
        self.unet.eval()
        with contextlib.nullcontext() if self.is_rounded else self.merged_adapter(), torch.inference_mode():
            latents, log_probs = [self.noise()], []
            for step, timestep in enumerate(self.steps.timesteps):
                rows = torch.full((self.latent_shape[0],), step, device=self.device)
                output = self.predict(latents[-1], timestep.expand(len(rows)), self.conditional)
                mean = self.steps.mean(rows, latents[-1], output)
                following = mean + per_image(self.steps.sigma[rows]) * self.noise()
                latents.append(following)
                log_probs.append(self.steps.log_prob(rows, following, mean))
        # Outside, for what inference mode has made cannot be kept for a gradient.
        return torch.stack(latents, 1), torch.stack(log_probs, 1)

    @contextlib.contextmanager
    def merged_adapter(self):
        """Faster, but in bfloat16 what merging rounds would make it another policy than the one that learns."""
        kept = [module.get_base_layer().weight.data.clone() for module in self.adapted]
        for module in self.adapted:
            module.merge()
        try:
            yield
        finally:
            for module, weight in zip(self.adapted, kept):
                module.unmerge()
                # To the bit: merging and unmerging rounds.
                module.get_base_layer().weight.data.copy_(weight)

    def update(self, latents, log_probs, advantages) -> float:
        self.unet.train()
        images, steps = log_probs.shape
        updates, group = self.settings["updates"], self.settings["group"]
        train_batch, _ = batch_sizes(self.settings)
        order = torch.randperm(images, generator=self.generator)
        deviations = []
        for number, chosen in enumerate(order.chunk(updates)):
            for batch in chosen.split(train_batch):
                step_order = torch.randperm(steps, generator=self.generator)
                for some_steps in step_order.split(group):
                    image = batch.repeat_interleave(len(some_steps)).to(self.device)
                    step = some_steps.repeat(len(batch)).to(self.device)
                    sample, following = latents[image, step], latents[image, step + 1]
                    output = self.predict(sample, self.steps.timesteps[step], self.conditional[image])
                    mean = self.steps.mean(step, sample, output)
                    ratio = (self.steps.log_prob(step, following, mean) - log_probs[image, step]).exp()
                    clipped = ratio.clamp(1 - CLIP_RANGE, 1 + CLIP_RANGE)
                    advantage = advantages[image]
                    loss = torch.maximum(-advantage * ratio, -advantage * clipped).sum()
                    (loss / (len(chosen) * steps)).backward()
                    if number == 0:
                        deviations.append((ratio.detach() - 1).abs().max())
            torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
        return torch.stack(deviations).max().item()


iteration = Iteration(protocol.settings())
_, on_policy_deviation = iteration.run()
protocol.serve(lambda: iteration.run()[0], onPolicyDeviation=on_policy_deviation)
