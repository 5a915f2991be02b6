"""Loads what lora-write.ts wrote with Python's diffusers, and says by how much the UNet's outputs differ.

    pip install torch==2.13.0 diffusers==0.35.2 transformers==4.57.6 peft==0.21.2 accelerate safetensors
    python tools/parity/lora-compare.py FOLDER [FOLDER ...]
"""

import sys
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline
from diffusers.utils.state_dict_utils import convert_state_dict_to_kohya
from peft import get_peft_model_state_dict
from safetensors import safe_open

# Of the largest value. PyTorch's own float32 noise is 6.3e-6.
LARGEST_DIFFERENCE = 2e-5


def read(path: Path) -> tuple[dict, dict]:
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()


def compare(folder: Path) -> bool:
    io, metadata = read(folder / "io.safetensors")

    def load(model):
        return StableDiffusionPipeline.from_pretrained(model, torch_dtype=torch.float32)

    def run(pipeline):
        with torch.no_grad():
            return pipeline.unet(io["sample"], io["timesteps"].long(), encoder_hidden_states=io["text"]).sample

    plain = run(load(metadata["model"]))
    differences = {}

    def note(name, output, expected):
        differences[name] = ((output - io[expected]).abs().max() / io[expected].abs().max()).item()

    note("without an adapter", plain, "plain")
    pipeline = load(metadata["model"])
    pipeline.load_lora_weights(folder / "diffusers", use_safetensors=True)
    note("load_lora_weights, diffusers' layout", run(pipeline), "adapted")
    (name,) = pipeline.get_active_adapters()
    state = {f"unet.{key}": value for key, value in get_peft_model_state_dict(pipeline.unet, adapter_name=name).items()}
    pipeline.fuse_lora()
    note("fused by diffusers", run(pipeline), "merged")
    pipeline = load(metadata["model"])
    pipeline.load_lora_weights(folder, weight_name="kohya-sd.safetensors")
    note("load_lora_weights, kohya's layout", run(pipeline), "kohya-sd")
    note("merged folder, from_pretrained", run(load(folder / "merged")), "merged")

    theirs, (ours, _) = convert_state_dict_to_kohya(state), read(folder / "kohya.safetensors")
    same = {key: value.shape for key, value in theirs.items()} == {key: value.shape for key, value in ours.items()}
    effect = ((io["adapted"] - io["plain"]).abs().max() / io["plain"].abs().max()).item()
    print(f"{folder}: {len(state) // 2} modules, which change the output by {effect:.2f} of the largest value")
    for what, difference in differences.items():
        print(f"  {what}: {difference:.1e}")
    print(f"  kohya's file has the keys and shapes of convert_state_dict_to_kohya: {same}")
    return same and max(differences.values()) <= LARGEST_DIFFERENCE


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if not all([compare(Path(path)) for path in sys.argv[1:]]):
        sys.exit(f"an output differs by more than {LARGEST_DIFFERENCE} of the largest value")
