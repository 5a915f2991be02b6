"""Makes packages/diffusion-models/fixtures/lora-any-layer with Python's peft and diffusers.

    pip install torch==2.13.0 diffusers==0.35.2 transformers==4.57.6 peft==0.21.2 accelerate safetensors
    python tools/parity/lora-fixture.py

An adapter of every linear layer and convolution of the UNet in fixtures/pipeline, with ranks and alphas that differ by
module; the files that diffusers writes of it; its outputs, and the gradients of its factors. And what diffusers makes of
the module names of the original Stable Diffusion code.
"""

import json
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from diffusers.loaders.lora_conversion_utils import _convert_unet_lora_key, _maybe_map_sgm_blocks_to_diffusers
from diffusers.utils.state_dict_utils import convert_state_dict_to_kohya
from peft import LoraConfig, get_peft_model_state_dict
from safetensors.torch import load_file, save_file

FIXTURES = Path(__file__).parents[2] / "packages/diffusion-models/fixtures"
OUT = FIXTURES / "lora-any-layer"
TIMESTEPS = [801, 41]
CONFIG = {
    "r": 2,
    "lora_alpha": 3,
    "init_lora_weights": "gaussian",
    "target_modules": [
        *("to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2", "proj_in", "proj_out"),
        *("time_emb_proj", "linear_1", "linear_2", "conv1", "conv2", "conv_shortcut"),
        *("downsamplers.0.conv", "upsamplers.0.conv", "conv_in", "conv_out"),
    ],
    # Two that match the same module: the first counts.
    "rank_pattern": {"^mid_block.resnets.0.conv1": 4, "attn2.to_k": 3, "conv1": 1, "ff.net.*": 1},
    "alpha_pattern": {"^up_blocks.*.conv2": 5, "conv2": 1, "conv_out": 0.5, "proj_in": 2, "to_out.0": 7},
}


def load() -> UNet2DConditionModel:
    return UNet2DConditionModel.from_pretrained(FIXTURES / "pipeline/unet")


def main() -> None:
    torch.manual_seed(0)
    unet = load()
    unet.requires_grad_(False)
    unet.add_adapter(LoraConfig(**CONFIG))
    for name, parameter in unet.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    sample, text = torch.randn(2, 4, 8, 8), torch.randn(2, 13, 24)
    grad_output = torch.randn(2, 4, 8, 8)
    timesteps = torch.tensor(TIMESTEPS)
    run = lambda model: model(sample, timesteps, encoder_hidden_states=text).sample

    output = run(unet)
    (output * grad_output).sum().backward()
    factors = {}
    for name, parameter in unet.named_parameters():
        if "lora_" in name:
            short = name.replace(".default", "")
            factors[f"param.{short}"] = parameter.detach().clone()
            factors[f"grad.{short}"] = parameter.grad
    io = {"sample": sample, "encoder_hidden_states": text, "grad_output": grad_output, "output": output.detach()}

    # What diffusers, and users of kohya's layout, store.
    state = get_peft_model_state_dict(unet)
    # peft keeps a set, in another order every time.
    unet.peft_config["default"].target_modules = sorted(CONFIG["target_modules"])
    settings = unet.peft_config["default"].to_dict()
    StableDiffusionPipeline.save_lora_weights(
        OUT / "pipeline", unet_lora_layers=state, unet_lora_adapter_metadata=settings
    )
    unet.save_lora_adapter(OUT / "model", adapter_name="default")
    kohya = convert_state_dict_to_kohya({f"unet.{key}": value for key, value in state.items()})
    for name, module in unet.named_modules():
        if hasattr(module, "lora_A"):
            # diffusers writes alpha = rank.
            kohya[f"lora_unet_{name.replace('.', '_')}.alpha"] = torch.tensor(float(module.lora_alpha["default"]))
    save_file({key: value.contiguous() for key, value in kohya.items()}, OUT / "kohya.safetensors", {"format": "pt"})

    with torch.no_grad():
        unet.fuse_lora()
        unet.unload_lora()
        io["fused_output"] = run(unet)
        for name in ("mid_block.resnets.0.conv1", "mid_block.attentions.0.proj_in", "time_embedding.linear_1"):
            io[f"fused_weight.{name}.weight"] = unet.get_submodule(name).weight.detach().clone()
        for folder in ("pipeline", "model"):
            again = load()
            prefix = "unet" if folder == "pipeline" else None
            again.load_lora_adapter(OUT / folder, prefix=prefix, adapter_name="any", use_safetensors=True)
            io[f"{folder}.loaded_output"] = run(again)
        other = FIXTURES / "lora/a8/diffusers_meta"
        again.load_lora_adapter(other, prefix="unet", adapter_name="a8", use_safetensors=True)
        again.set_adapters(["any", "a8"], [0.7, -0.4])
        io["weighted_output"] = run(again)

    save_file(factors, OUT / "params_and_grads.safetensors")
    save_file(io, OUT / "io.safetensors")
    report = {
        "timesteps": TIMESTEPS,
        "config": CONFIG,
        "weights": [0.7, -0.4],
        "original_names": {"sd1": original_names(SD1), "sdxl": original_names(SDXL)},
    }
    (OUT / "cases.json").write_text(json.dumps(report, indent=1) + "\n")
    for name in ("fused_output", "pipeline.loaded_output", "model.loaded_output", "weighted_output"):
        print(name, (io[name] - io["output"]).abs().max().item())


SMALL = {"block_out_channels": [8, 16, 16, 16], "cross_attention_dim": 8, "norm_num_groups": 4, "attention_head_dim": 4}
SD1 = SMALL
SDXL = {
    **SMALL,
    "block_out_channels": [8, 16, 16],
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    "transformer_layers_per_block": [1, 1, 2],
}
RESIDUAL = ["in_layers_2", "emb_layers_1", "out_layers_3", "skip_connection"]
ATTENTION = [
    *("proj_in", "proj_out"),
    *(
        f"transformer_blocks_{block}_{module}"
        for block in (0, 1)
        for module in ("attn1_to_q", "attn2_to_out_0", "ff_net_0_proj", "ff_net_2")
    ),
]


def original_names(config: dict) -> dict:
    """Kohya's names for modules of the original code, by what diffusers reads in them; those that it knows."""
    unet = UNet2DConditionModel.from_config(config)
    modules = {name for name, module in unet.named_modules() if hasattr(module, "weight")}
    candidates = [f"middle_block_{index}_{rest}" for index in range(3) for rest in RESIDUAL + ATTENTION]
    for index in range(12):
        for rest in RESIDUAL:
            candidates += [f"input_blocks_{index}_0_{rest}", f"output_blocks_{index}_0_{rest}"]
        for rest in ATTENTION:
            candidates += [f"input_blocks_{index}_1_{rest}", f"output_blocks_{index}_1_{rest}"]
    # diffusers would take them in other places too, and does not know the third of a block without attention.
    for index, block in enumerate(unet.up_blocks):
        candidates.append(f"input_blocks_{3 * (index + 1)}_0_op")
        if hasattr(block, "attentions"):
            candidates.append(f"output_blocks_{3 * index + 2}_2_conv")
    names = {}
    for candidate in candidates:
        key = f"lora_unet_{candidate}.lora_down.weight"
        try:
            (mapped,) = _maybe_map_sgm_blocks_to_diffusers({key: None}, unet.config)
        except (IndexError, ValueError):
            continue
        path = _convert_unet_lora_key(mapped).removesuffix(".lora.down.weight").replace(".processor", "")
        path = path.removesuffix(".down.weight").replace("to_q_lora", "to_q").replace("to_out_lora", "to_out.0")
        if path in modules:
            names[candidate] = path
    return names


if __name__ == "__main__":
    main()
