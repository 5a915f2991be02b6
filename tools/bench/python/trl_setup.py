"""TRL's DDPOTrainer as its documentation sets it up, at the sizes that the worker was told."""

import itertools
import logging
import os
import tempfile

os.environ.update(WANDB_DISABLED="true")

import accelerate
import torch
from common import batch_sizes, jpeg_sizes, prompts_of_images, quiet_libraries


def make_trainer(settings: dict, reward=jpeg_sizes):
    """`reward` takes images and gives a number for each."""
    if settings["device"] == "cpu":
        os.environ["ACCELERATE_USE_CPU"] = "true"
        accelerate.PartialState(cpu=True)
    quiet_libraries()
    logging.disable(logging.WARNING)
    from trl import DDPOConfig, DDPOTrainer, DefaultDDPOStableDiffusionPipeline

    images = settings["prompts"] * settings["k"]
    train_batch, accumulation = batch_sizes(settings)
    config = DDPOConfig(
        mixed_precision="no",
        log_with=None,
        allow_tf32=False,
        num_epochs=1,
        seed=0,
        sample_num_steps=settings["steps"],
        sample_guidance_scale=settings["guidance"],
        # All images at once is faster than in several batches.
        sample_batch_size=images,
        sample_num_batches_per_epoch=1,
        train_batch_size=train_batch,
        train_gradient_accumulation_steps=accumulation,
        train_learning_rate=settings["learningRate"],
        train_cfg=True,
        save_freq=10**9,
        accelerator_kwargs={"cpu": True} if settings["device"] == "cpu" else {},
        project_kwargs={"project_dir": tempfile.mkdtemp()},
    )
    prompts = prompts_of_images(settings)
    positions = itertools.count()

    def next_prompt():
        return prompts[next(positions) % len(prompts)], {}

    def score(images, _prompts, _metadata):
        return torch.from_numpy(reward(images)), {}

    pipeline = DefaultDDPOStableDiffusionPipeline(settings["model"], use_lora=True)
    trainer = DDPOTrainer(config, score, next_prompt, pipeline)
    pipeline.set_progress_bar_config(disable=True)
    return trainer, pipeline
