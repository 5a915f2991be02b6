"""Writes packages/trainer/fixtures/unet-gradients: the policy-gradient loss of two trajectories, under guidance, and its
gradients in all weights of the UNet, from PyTorch and diffusers.

    python tools/parity/unet-gradients.py
"""

import json
from pathlib import Path

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from safetensors.torch import load_file, save_file

packages = Path(__file__).parents[2] / "packages"
pipeline = packages / "diffusion-models" / "fixtures" / "pipeline"
out = packages / "trainer" / "fixtures" / "unet-gradients"
torch.set_num_threads(1)

cases = json.loads((pipeline / "cases.json").read_text())
io = load_file(pipeline / "io.safetensors")
unet = UNet2DConditionModel.from_pretrained(pipeline / "unet")
scheduler = DDIMScheduler.from_pretrained(pipeline / "scheduler")
scheduler.set_timesteps(cases["num_inference_steps"])
advantages = torch.tensor([1.0, -0.5])
latents, old_log_probs = io["ddpo.latents"], io["ddpo.log_probs"]
images = latents.shape[0]
text = torch.cat([io["negative_prompt_embeds"].repeat(images, 1, 1), io["prompt_embeds"]])

log_probs = []
for index, timestep in enumerate(scheduler.timesteps):
    sample, following = latents[:, index], latents[:, index + 1]
    unconditional, conditional = unet(torch.cat([sample, sample]), timestep, text).sample.chunk(2)
    output = unconditional + cases["guidance_scale"] * (conditional - unconditional)
    mean = scheduler.step(
        output, timestep, sample, eta=1.0, variance_noise=torch.zeros_like(sample)
    ).prev_sample
    previous = timestep - scheduler.config.num_train_timesteps // cases["num_inference_steps"]
    sigma = scheduler._get_variance(timestep, previous) ** 0.5
    # As TRL's DDPOTrainer has it: the mean over the latent's numbers.
    log_prob = torch.distributions.Normal(mean, sigma).log_prob(following)
    log_probs.append(log_prob.mean(dim=(1, 2, 3)))
log_probs = torch.stack(log_probs, dim=1)
assert (log_probs - old_log_probs).abs().max() < 1e-5
ratio = torch.exp(log_probs - log_probs.detach())
loss = -(advantages[:, None] * ratio).mean()
loss.backward()

gradients = {name: parameter.grad for name, parameter in unet.named_parameters()}
whole = [
    "conv_in.weight",
    "time_embedding.linear_1.weight",
    "down_blocks.0.resnets.0.norm1.weight",
    "mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight",
    "mid_block.attentions.0.transformer_blocks.0.ff.net.0.proj.bias",
    "conv_out.weight",
]
out.mkdir(parents=True, exist_ok=True)
save_file({name: gradients[name] for name in whole}, out / "gradients.safetensors")
record = {
    "advantages": advantages.tolist(),
    "loss": loss.item(),
    "gradient_norm": torch.cat([g.flatten() for g in gradients.values()]).norm().item(),
    "norms": {name: gradient.norm().item() for name, gradient in gradients.items()},
}
(out / "cases.json").write_text(json.dumps(record, indent=1) + "\n")
print(f"loss {record['loss']:.6f}, gradient norm {record['gradient_norm']:.6f}")
