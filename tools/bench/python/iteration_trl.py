"""One epoch of TRL's DDPOTrainer: sampling, scoring and learning."""

import time

import protocol

import torch
from common import jpeg_sizes, randomize_up_weights
from trl_setup import make_trainer

settings = protocol.settings()
clock = protocol.Clock(settings["device"])
deviations: list[torch.Tensor] = []
epoch = global_step = 0

trainer, pipeline = make_trainer(settings, clock.timed("reward", jpeg_sizes))
randomize_up_weights(pipeline.unet)
trainer.accelerator.log = lambda *args, **options: None
trainer._generate_samples = clock.timed("sampling", trainer._generate_samples)
trainer._train_batched_samples = clock.timed("update", trainer._train_batched_samples)
pipeline.vae.decode = clock.timed("decode", pipeline.vae.decode)
pipeline.text_encoder.forward = clock.timed("text", pipeline.text_encoder.forward)
trainer_loss = trainer.loss


def observed_loss(advantages, clip_range, ratio):
    deviations.append((ratio.detach() - 1).abs().max())
    return trainer_loss(advantages, clip_range, ratio)


def one_epoch() -> dict:
    global epoch, global_step
    clock.seconds.clear()
    start = time.perf_counter()
    global_step = trainer.step(epoch, global_step)
    total = time.perf_counter() - start
    epoch += 1
    seconds = dict(clock.seconds)
    # The pipeline samples and decodes in one call.
    seconds["rollout"] = seconds.pop("sampling") - seconds["decode"] - seconds["text"]
    return {**seconds, "total": total}


# The warm-up. Ratios are of the policy that sampled until the first optimizer step.
trainer.loss = observed_loss
one_epoch()
trainer.loss = trainer_loss
before_first_step = deviations[: len(deviations) // settings["updates"]]
protocol.serve(one_epoch, onPolicyDeviation=torch.stack(before_first_step).max().item())
