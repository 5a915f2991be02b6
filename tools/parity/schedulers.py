"""Records what diffusers' schedulers make of given configurations, for the tests of packages/diffusion-mdp.

    pip install torch==2.13.0 diffusers==0.35.2 safetensors
    python tools/parity/schedulers.py packages/diffusion-mdp/fixtures/samplers

For every case: timesteps, sigmas, the sigma of the first noise, what the network is given at each step, and the samples on
the way. The network is x / (1 + |x|) + w t / 1000 with a fixed w: sums and quotients only, so that its rounding is the same
everywhere.
"""

import json
import sys
from pathlib import Path

import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, EulerDiscreteScheduler
from safetensors.torch import save_file

CLASSES = {
    "ddim": DDIMScheduler,
    "euler": EulerDiscreteScheduler,
    "dpm-solver++": DPMSolverMultistepScheduler,
}

# The files of the published models.
LATENT = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "trained_betas": None,
    "clip_sample": False,
}
SD15 = {"_class_name": "PNDMScheduler", **LATENT}
SD21 = {"_class_name": "DDIMScheduler", **LATENT, "prediction_type": "v_prediction"}
SDXL = {
    "_class_name": "EulerDiscreteScheduler",
    **LATENT,
    "interpolation_type": "linear",
    "prediction_type": "epsilon",
    "sample_max_value": 1.0,
    "timestep_spacing": "leading",
    "use_karras_sigmas": False,
}
ZERO_SNR = {**SD21, "rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
COSINE = {"_class_name": "DDIMScheduler", "beta_schedule": "squaredcos_cap_v2", "clip_sample": False}

SPACINGS = ["leading", "trailing", "linspace"]


def cases():
    for name, config in {"sd15": SD15, "sd21": SD21, "sdxl": SDXL, "sd21-zero-snr": ZERO_SNR}.items():
        for sampler in CLASSES:
            yield f"{name} {sampler}", sampler, config, 10
    for sampler in ["euler", "dpm-solver++"]:
        for spacing in SPACINGS:
            for offset in [0, 1]:
                if offset == 1 and spacing != "leading":
                    continue
                config = {**SDXL, "timestep_spacing": spacing, "steps_offset": offset}
                yield f"{spacing} {offset} {sampler}", sampler, config, 7
        for steps in [1, 2, 3, 15, 25]:
            yield f"{steps} steps {sampler}", sampler, SDXL, steps
        for spacing in SPACINGS:
            config = {**SDXL, "timestep_spacing": spacing, "use_karras_sigmas": True}
            yield f"karras {spacing} {sampler}", sampler, config, 8
        ends = {"sigma_min": 0.1, "sigma_max": 10.0}
        yield f"karras ends {sampler}", sampler, {**SDXL, "use_karras_sigmas": True, **ends}, 6
        yield f"sigma_min {sampler}", sampler, {**SDXL, "final_sigmas_type": "sigma_min"}, 6
        yield f"sample {sampler}", sampler, {**SDXL, "prediction_type": "sample"}, 5
        yield f"linear betas {sampler}", sampler, {"num_train_timesteps": 1100}, 6
        yield f"cosine {sampler}", sampler, {**COSINE, "timestep_spacing": "leading", "steps_offset": 1}, 6
        cosine = {**COSINE, "timestep_spacing": "leading", "steps_offset": 1, "use_karras_sigmas": True}
        yield f"cosine karras {sampler}", sampler, cosine, 6
    for order in [1, 2]:
        for solver in ["midpoint", "heun"] if order == 2 else ["midpoint"]:
            for final in ["zero", "sigma_min"]:
                for steps in [6, 16]:
                    config = {**SD15, "solver_order": order, "solver_type": solver, "final_sigmas_type": final}
                    yield f"order {order} {solver} {final} {steps}", "dpm-solver++", config, steps
    full = {**SD15, "lower_order_final": False, "final_sigmas_type": "sigma_min"}
    yield "full order at the end", "dpm-solver++", full, 6
    yield "euler at final", "dpm-solver++", {**full, "euler_at_final": True}, 6
    v = {**SD21, "solver_type": "heun", "use_karras_sigmas": True}
    yield "v heun karras", "dpm-solver++", v, 9


def trajectory(sampler, config, steps, noise, drift):
    scheduler = CLASSES[sampler].from_config(config)
    scheduler.set_timesteps(steps)
    if sampler != "ddim":
        # Without it diffusers starts at the second of two equal timesteps, and runs out of noise levels.
        scheduler.set_begin_index(0)
    sample = noise * scheduler.init_noise_sigma
    inputs, samples = [], [sample]
    for timestep in scheduler.timesteps:
        given = scheduler.scale_model_input(sample, timestep)
        output = given / (1 + given.abs()) + drift * (timestep.to(torch.float32) / 1000)
        sample = scheduler.step(output, timestep, sample).prev_sample
        inputs.append(given)
        samples.append(sample)
    recorded = {
        "timesteps": scheduler.timesteps.to(torch.float32),
        "initial_noise_sigma": torch.as_tensor(scheduler.init_noise_sigma, dtype=torch.float32).reshape(1),
        "inputs": torch.cat(inputs),
        "samples": torch.cat(samples),
    }
    if sampler != "ddim":
        recorded["sigmas"] = scheduler.sigmas
    return recorded


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    noise, drift = torch.randn(1, 4, 2, 3), torch.randn(1, 4, 2, 3)
    tensors, described = {"noise": noise, "drift": drift}, []
    for case, sampler, config, steps in cases():
        described.append({"case": case, "sampler": sampler, "steps": steps, "config": config})
        for name, tensor in trajectory(sampler, config, steps, noise, drift).items():
            tensors[f"{case}.{name}"] = tensor.contiguous()
    save_file(tensors, folder / "io.safetensors")
    (folder / "cases.json").write_text(json.dumps(described, indent=2) + "\n")
