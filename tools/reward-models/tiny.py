"""Writes small random models of the rewards' architectures, and what Python makes of them, for the tests.

    python tiny.py --out ../../packages/rewards/src/neural/fixtures

The reference never passes through ONNX or through our code: images are resized by Pillow and prepared by
transformers' own processors, and scored by torch.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import open_clip
import torch
from PIL import Image
from transformers import (
    BertTokenizerFast,
    BitImageProcessor,
    BlipConfig,
    BlipForQuestionAnswering,
    BlipImageProcessor,
    BlipTextConfig,
    BlipTextModel,
    BlipVisionConfig,
    BlipVisionModel,
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    CLIPTokenizerFast,
    Dinov2Config,
    Dinov2Model,
)
from transformers.models.clip.tokenization_clip import bytes_to_unicode

import checkpoints
import export
import graphs

PROMPTS = [
    "a green bench and a red car",
    "A photo of   an ASTRONAUT riding a horse!",
    "Naïve café, 3 dogs & 12 cats; it's \"fun\" 🐶",
    "the fluffy cat is sitting on the soft pillow",
    " ".join(["a very long prompt about a red car and a green bench"] * 12),
    "",
]
WORDS = "a an the of and on is in red green car bench cat dog dogs photo very long prompt soft pillow no yes fun".split()
CHUNKS = {
    "a green bench and a red car": ["a green bench", "a red car"],
    "the fluffy cat is on the left of the soft pillow": ["the fluffy cat", "the soft pillow"],
    "a red car": ["a red car"],
}
SIZES = {"landscape": (97, 64), "portrait": (37, 91), "small": (19, 23), "square": (64, 64), "large": (600, 401)}


def picture(width: int, height: int, seed: int) -> Image.Image:
    """Gradients, hard edges and some noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    channels = []
    for _ in range(3):
        a, b, c, phase = rng.uniform(2, 9, 4)
        wave = np.sin(a * x + phase) * np.cos(b * y) + 0.5 * np.sin(c * (x + y))
        channels.append(127 + 70 * wave)
    image = np.stack(channels, -1)
    for _ in range(6):
        left, top = rng.uniform(0, 0.8, 2)
        inside = (x > left) & (x < left + 0.2) & (y > top) & (y < top + 0.15)
        image[inside] = rng.uniform(0, 255, 3)
    if width * height < 10_000:
        image += rng.normal(0, 12, image.shape)
    return Image.fromarray(np.clip(np.round(image), 0, 255).astype(np.uint8))


def spread(model: torch.nn.Module, seed: int) -> torch.nn.Module:
    """Weights large enough for every part of a model to show in its output."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if name.endswith("logit_scale"):
                parameter.fill_(4.5)
            elif "norm" in name.lower() or "ln_" in name:
                parameter.copy_((1 if name.endswith("weight") else 0) + 0.1 * noise)
            elif parameter.dim() < 2:
                parameter.copy_(0.1 * noise)
            elif "embedding" in name:
                parameter.copy_(0.5 * noise)
            else:
                parameter.copy_(noise * parameter[0].numel() ** -0.5)
    return model.eval()


def clip_tokenizer(folder: Path) -> CLIPTokenizerFast:
    """CLIP's byte pairs, with the merges that spell some words out."""
    letters = list(bytes_to_unicode().values())
    vocabulary = letters + [f"{letter}</w>" for letter in letters]
    merges = []
    for word in WORDS:
        parts = [*word[:-1], f"{word[-1]}</w>"]
        while len(parts) > 1:
            pair = (parts[0], parts[1])
            if pair not in merges:
                merges.append(pair)
                vocabulary.append("".join(pair))
            parts = ["".join(pair), *parts[2:]]
    vocabulary += ["<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(vocabulary)}))
    (folder / "merges.txt").write_text("#version\n" + "".join(f"{a} {b}\n" for a, b in merges))
    return CLIPTokenizerFast(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=77)


def bert_tokenizer(folder: Path) -> BertTokenizerFast:
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"!\"#&'(),-.:;?", *letters]
    vocabulary += [f"##{letter}" for letter in letters]
    vocabulary += [word for word in WORDS if len(word) > 1] + ["##ing", "##ow", "##ff"]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
    tokenizer = BertTokenizerFast(str(folder / "vocab.txt"), do_lower_case=True)
    tokenizer.add_special_tokens({"bos_token": "[DEC]"})
    tokenizer.add_special_tokens({"additional_special_tokens": ["[ENC]"]})
    return tokenizer


def pixels_of(image: Image.Image) -> torch.Tensor:
    """ToTensor and Normalize of torchvision."""
    values = torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255
    mean, std = torch.tensor(export.CLIP_MEAN), torch.tensor(export.CLIP_STD)
    return (values - mean[:, None, None]) / std[:, None, None]


def torchvision_crop(image: Image.Image, size: int) -> Image.Image:
    """Resize(size, BICUBIC) and CenterCrop(size), whose offsets round halves to even."""
    width, height = image.size
    short = min(width, height)
    image = image.resize((int(size * width / short), int(size * height / short)), Image.BICUBIC)
    left, top = round((image.width - size) / 2.0), round((image.height - size) / 2.0)
    return image.crop((left, top, left + size, top + size))


def longest_side(image: Image.Image, size: int) -> Image.Image:
    """ResizeMaxSize of HPSv2: the longer side, and black around it."""
    width, height = image.size
    scale = size / float(max(width, height))
    width, height = round(width * scale), round(height * scale)
    out = Image.new("RGB", (size, size))
    out.paste(image.resize((width, height), Image.BICUBIC), ((size - width) // 2, (size - height) // 2))
    return out


def to_list(tensor: torch.Tensor) -> list:
    return tensor.detach().double().tolist()


def clip_scores(model, tokenizer, processor, images, prompts) -> dict:
    """Every image with every prompt, one at a time."""
    pixels = [processor(image, return_tensors="pt").pixel_values for image in images.values()]
    embeds = torch.cat([model.get_image_features(pixel_values=p) for p in pixels])
    texts = []
    for prompt in prompts:
        ids = tokenizer(prompt, truncation=True, return_tensors="pt")
        texts.append(model.get_text_features(**ids))
    texts = torch.cat(texts)
    embeds = embeds / embeds.norm(dim=-1, keepdim=True)
    texts = texts / texts.norm(dim=-1, keepdim=True)
    return {"cosines": to_list(embeds @ texts.T), "embeds": embeds}


def build_clip(out: Path, folder: Path, images: dict) -> dict:
    tokenizer = clip_tokenizer(folder)
    text = dict(vocab_size=len(tokenizer), hidden_size=32, intermediate_size=48, num_hidden_layers=2)
    text |= dict(num_attention_heads=4, bos_token_id=len(tokenizer) - 2, eos_token_id=len(tokenizer) - 1)
    vision = dict(hidden_size=40, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4)
    vision |= dict(image_size=32, patch_size=8)
    model = spread(CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=24)), 16)
    export.write_clip(out, model)
    export.write_tokenizer(out, tokenizer)
    processor = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=32)
    export.write_json(out / "preprocessor_config.json", processor.to_dict())

    plain = clip_scores(model, tokenizer, processor, images, PROMPTS)
    photo = clip_scores(model, tokenizer, processor, images, [f"A photo depicts {p}" for p in PROMPTS])
    heads = {"v1": spread(torch.nn.Sequential(torch.nn.Linear(24, 1)), 2)}
    widths = [24, 64, 16, 8, 4, 1]
    mlp = torch.nn.Sequential()
    for i, (a, b) in enumerate(zip(widths, widths[1:])):
        mlp.append(torch.nn.Linear(a, b))
        if i < 3:
            mlp.append(torch.nn.Dropout(0.2))
    heads["v2"] = spread(mlp, 3)
    named = {
        "v1": {"weight": heads["v1"][0].weight, "bias": heads["v1"][0].bias},
        "v2": {f"layers.{key}": value for key, value in mlp.state_dict().items()},
    }
    export.write_reward(out, aesthetic={k: checkpoints.affine_head(v) for k, v in named.items()})
    return {
        "ids": [tokenizer(p, truncation=True).input_ids for p in PROMPTS],
        "clipScore": [[2.5 * max(c, 0) for c in row] for row in photo["cosines"]],
        "pickScore": to_list(model.logit_scale.exp() * torch.tensor(plain["cosines"])),
        "aesthetic": {k: to_list(head(plain["embeds"]).squeeze(1)) for k, head in heads.items()},
    }


def build_clip_h(out: Path, folder: Path, images: dict) -> dict:
    """open_clip's own model, its weights saved as HPSv2's are, and scored by it."""
    tokenizer = clip_tokenizer(folder)
    torch.manual_seed(4)
    model = open_clip.CLIP(
        embed_dim=24,
        vision_cfg=dict(image_size=32, layers=2, width=40, head_width=10, patch_size=8),
        text_cfg=dict(context_length=77, vocab_size=len(tokenizer), width=32, heads=4, layers=2),
    )
    spread(model, 4)
    torch.save({"state_dict": model.state_dict()}, folder / "hpsv2.pt")
    config, weights = checkpoints.clip_from_open_clip(
        checkpoints.load_weights(folder / "hpsv2.pt"), heads=4, text_heads=4
    )
    converted = CLIPModel(config).eval()
    converted.load_state_dict(weights)
    export.write_clip(out, converted)
    export.write_tokenizer(out, tokenizer)
    export.write_preprocessor(out, 32, crop=True)

    rows = [tokenizer(p, truncation=True).input_ids for p in PROMPTS]
    ids = torch.tensor([row + [0] * (77 - len(row)) for row in rows])
    texts = model.encode_text(ids, normalize=True)
    pixels = torch.stack([pixels_of(longest_side(image, 32)) for image in images.values()])
    embeds = model.encode_image(pixels, normalize=True)
    return {"humanPreference": to_list(embeds @ texts.T)}


def blip_vision(**sizes) -> dict:
    return dict(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4) | sizes


def blip_text(tokenizer) -> dict:
    text = dict(vocab_size=len(tokenizer), hidden_size=32, encoder_hidden_size=32, intermediate_size=48)
    return text | dict(num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=64)


def build_image_reward(out: Path, folder: Path, images: dict) -> dict:
    tokenizer = bert_tokenizer(folder)
    torch.manual_seed(5)
    vision = spread(BlipVisionModel(BlipVisionConfig(**blip_vision(image_size=32, patch_size=8))), 5)
    text = BlipTextModel(BlipTextConfig(**blip_text(tokenizer)), add_pooling_layer=False)
    model = spread(graphs.ImageReward(text, widths=(48, 16, 8, 4)), 6)
    export.write_image_reward(out, vision, model, mean=0.17, standardDeviation=1.03)
    export.write_tokenizer(out, tokenizer)
    scores = []
    for image in images.values():
        states = vision(pixels_of(torchvision_crop(image, 32))[None]).last_hidden_state
        row = []
        for prompt in PROMPTS:
            # Padded to the full length, as ImageReward's own code does.
            ids = tokenizer(prompt, padding="max_length", truncation=True, max_length=35, return_tensors="pt")
            row.append((model(ids.input_ids, ids.attention_mask, states).item() - 0.17) / 1.03)
        scores.append(row)
    ids = [tokenizer(p, truncation=True, max_length=35).input_ids for p in PROMPTS]
    return {"ids": ids, "imageReward": scores}


def build_blip_vqa(out: Path, folder: Path, images: dict) -> dict:
    tokenizer = bert_tokenizer(folder)
    config = BlipConfig(
        text_config=blip_text(tokenizer) | dict(sep_token_id=3, hidden_size=16, encoder_hidden_size=16),
        vision_config=blip_vision(hidden_size=16, image_size=48, patch_size=16),
        projection_dim=16,
    )
    model = spread(BlipForQuestionAnswering(config), 7)
    export.write_blip_vqa(out, model, tokenizer)
    export.write_tokenizer(out, tokenizer)
    processor = BlipImageProcessor(
        size={"height": 48, "width": 48}, image_mean=export.CLIP_MEAN, image_std=export.CLIP_STD
    )
    probabilities = {}
    for prompt, chunks in CHUNKS.items():
        probabilities[prompt] = []
        for image in images.values():
            states = model.vision_model(processor(image, return_tensors="pt").pixel_values).last_hidden_state
            row = []
            for chunk in chunks:
                ids = tokenizer(f"{chunk}?", truncation=True, max_length=35, return_tensors="pt").input_ids
                ids[:, 0] = tokenizer.convert_tokens_to_ids("[ENC]")
                question = model.text_encoder(ids, encoder_hidden_states=states).last_hidden_state
                start = torch.tensor([[tokenizer.convert_tokens_to_ids("[DEC]")]])
                logits = model.text_decoder(start, encoder_hidden_states=question).logits[0, 0]
                yes, no = (logits.softmax(0)[tokenizer.convert_tokens_to_ids(w)] for w in ("yes", "no"))
                row.append((yes / (yes + no)).item())
            probabilities[prompt].append(row)
    return {"blipVqa": {"chunks": CHUNKS, "probabilities": probabilities}}


def build_dino(out: Path, folder: Path, images: dict) -> dict:
    config = Dinov2Config(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=4, mlp_ratio=2, image_size=70, patch_size=14
    )
    model = spread(Dinov2Model(config), 8)
    processor = BitImageProcessor(
        size={"shortest_edge": 48},
        crop_size=42,
        resample=3,
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
    )
    embeds = [model(processor(i, return_tensors="pt").pixel_values).pooler_output[0] for i in images.values()]
    embeds = torch.stack([e / e.norm() for e in embeds]).double()
    distances = 1 - embeds @ embeds.T
    export.write_dino(out, model, 42)
    export.write_json(out / "preprocessor_config.json", processor.to_dict())
    return {"dinoDistances": to_list(distances)}


def write_preprocessed(out: Path, images: dict) -> dict:
    """Each kind of preparation: its pixels as a PNG before they are normalised, and some values after."""
    clip = CLIPImageProcessor(size={"shortest_edge": 224}, crop_size=224)
    blip = BlipImageProcessor(size={"height": 120, "width": 120}, image_mean=export.CLIP_MEAN, image_std=export.CLIP_STD)
    dino = BitImageProcessor(size={"shortest_edge": 50}, crop_size=45, resample=3)
    dino.image_mean, dino.image_std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    out.mkdir()
    values = {}
    for name, image in images.items():
        raw = {}
        for kind, processor in (("clip", clip), ("blip", blip), ("dino", dino)):
            if kind == "clip" and name not in ("small", "large"):
                continue
            pixels = processor(image, do_rescale=False, do_normalize=False, return_tensors="np").pixel_values[0]
            raw[kind] = Image.fromarray(pixels.transpose(1, 2, 0).astype(np.uint8))
            normalised = processor(image, return_tensors="np").pixel_values[0]
            values[f"{kind}-{name}"] = normalised.reshape(-1)[::997].astype(float).tolist()
        raw["torchvision"] = torchvision_crop(image, 45)
        raw["longest"] = longest_side(image, 45)
        for kind, picked in raw.items():
            picked.save(out / f"{kind}-{name}.png", optimize=True)
    return values


BUILDS = {
    "clip": build_clip,
    "clip-h": build_clip_h,
    "image-reward": build_image_reward,
    "blip-vqa": build_blip_vqa,
    "dino": build_dino,
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    for name in ("images", "preprocessed", *BUILDS):
        shutil.rmtree(out / name, ignore_errors=True)
    (out / "images").mkdir(parents=True)
    images = {name: picture(*size, seed) for seed, (name, size) in enumerate(SIZES.items())}
    for name, image in images.items():
        image.save(out / f"images/{name}.png", optimize=True)
    golden = {"images": list(images), "prompts": PROMPTS}
    with torch.no_grad():
        golden["normalised"] = write_preprocessed(out / "preprocessed", images)
        for name, build in BUILDS.items():
            with tempfile.TemporaryDirectory() as folder:
                golden[name] = build(out / name, Path(folder), images)
    export.write_json(out / "golden.json", golden)


if __name__ == "__main__":
    main()
