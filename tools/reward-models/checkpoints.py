"""Published weights that are not in transformers' layout, brought into it."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from transformers import BlipTextConfig, BlipVisionConfig, CLIPConfig


def load_weights(path: Path) -> dict[str, torch.Tensor]:
    """Reads a .pt, .pth or .safetensors file, of a pickle only tensors."""
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(str(path))
    held = torch.load(path, map_location="cpu", weights_only=True)
    return held.get("state_dict", held)


def clip_from_open_clip(weights: dict, heads: int, text_heads: int) -> tuple[CLIPConfig, dict]:
    """An open_clip CLIP with a vision transformer, as HPSv2's, for transformers' CLIPModel.

    All sizes but the numbers of heads are read from the weights.
    """

    def layers(prefix: str) -> int:
        found = {int(m[1]) for k in weights if (m := re.match(rf"{prefix}resblocks\.(\d+)\.", k))}
        return len(found)

    patch = weights["visual.conv1.weight"].shape
    positions = weights["visual.positional_embedding"].shape[0]
    side = round((positions - 1) ** 0.5) * patch[-1]
    vocabulary, text_width = weights["token_embedding.weight"].shape
    width = patch[0]
    config = CLIPConfig(
        projection_dim=weights["text_projection"].shape[1],
        text_config=dict(
            vocab_size=vocabulary,
            hidden_size=text_width,
            intermediate_size=weights["transformer.resblocks.0.mlp.c_fc.weight"].shape[0],
            num_hidden_layers=layers("transformer\\."),
            num_attention_heads=text_heads,
            max_position_embeddings=weights["positional_embedding"].shape[0],
            hidden_act="gelu",
            bos_token_id=vocabulary - 2,
            eos_token_id=vocabulary - 1,
        ),
        vision_config=dict(
            hidden_size=width,
            intermediate_size=weights["visual.transformer.resblocks.0.mlp.c_fc.weight"].shape[0],
            num_hidden_layers=layers("visual\\.transformer\\."),
            num_attention_heads=heads,
            image_size=side,
            patch_size=patch[-1],
            hidden_act="gelu",
        ),
    )
    renames = [
        (r"^visual\.class_embedding$", "vision_model.embeddings.class_embedding"),
        (r"^visual\.positional_embedding$", "vision_model.embeddings.position_embedding.weight"),
        (r"^visual\.conv1\.", "vision_model.embeddings.patch_embedding."),
        (r"^visual\.ln_pre\.", "vision_model.pre_layrnorm."),
        (r"^visual\.ln_post\.", "vision_model.post_layernorm."),
        (r"^visual\.transformer\.resblocks\.", "vision_model.encoder.layers."),
        (r"^token_embedding\.", "text_model.embeddings.token_embedding."),
        (r"^positional_embedding$", "text_model.embeddings.position_embedding.weight"),
        (r"^ln_final\.", "text_model.final_layer_norm."),
        (r"^transformer\.resblocks\.", "text_model.encoder.layers."),
        (r"\.ln_1\.", ".layer_norm1."),
        (r"\.ln_2\.", ".layer_norm2."),
        (r"\.mlp\.c_fc\.", ".mlp.fc1."),
        (r"\.mlp\.c_proj\.", ".mlp.fc2."),
        (r"\.attn\.out_proj\.", ".self_attn.out_proj."),
    ]
    out = {}
    for key, value in weights.items():
        if key == "attn_mask":
            continue
        if key in ("visual.proj", "text_projection"):
            name = "visual_projection" if key == "visual.proj" else "text_projection"
            out[f"{name}.weight"] = value.T.contiguous()
            continue
        for pattern, replacement in renames:
            key = re.sub(pattern, replacement, key)
        joined = re.match(r"(.*)\.attn\.in_proj_(weight|bias)$", key)
        if joined:
            for name, part in zip("qkv", value.chunk(3)):
                out[f"{joined[1]}.self_attn.{name}_proj.{joined[2]}"] = part.contiguous()
        else:
            out[key] = value
    return config, out


def _layers(weights: dict, prefix: str) -> int:
    return len({key[len(prefix) :].split(".")[0] for key in weights if key.startswith(prefix)})


def image_reward_parts(weights: dict, vision_heads: int, text_heads: int):
    """ImageReward's published weights as (vision config, its weights, text config, its weights, head).

    The vision transformer's names are those of BLIP's code; the text encoder's are transformers' already.
    """
    vision, text, head = {}, {}, {}
    renames = [
        ("cls_token", "embeddings.class_embedding"),
        ("pos_embed", "embeddings.position_embedding"),
        ("patch_embed.proj.", "embeddings.patch_embedding."),
        (r"norm\.", "post_layernorm."),
        (r"blocks\.", "encoder.layers."),
    ]
    inner = [(".norm1.", ".layer_norm1."), (".norm2.", ".layer_norm2.")]
    inner += [(".attn.proj.", ".self_attn.projection."), (".attn.qkv.", ".self_attn.qkv.")]
    for key, value in weights.items():
        if key.startswith("blip.visual_encoder."):
            key = key[len("blip.visual_encoder.") :]
            for pattern, replacement in renames:
                key = re.sub(f"^{pattern}", replacement, key)
            for old, new in inner:
                key = key.replace(old, new)
            vision[key] = value
        elif key.startswith("blip.text_encoder."):
            key = key[len("blip.text_encoder.") :]
            if not key.endswith("position_ids"):
                text[key] = value
        elif key.startswith("mlp.layers."):
            place, kind = key[len("mlp.layers.") :].split(".")
            head[f"{(0, 2, 4, 6, 7).index(int(place))}.{kind}"] = value
    width, _, _, patch = vision["embeddings.patch_embedding.weight"].shape
    patches = vision["embeddings.position_embedding"].shape[1] - 1
    vision_config = BlipVisionConfig(
        hidden_size=width,
        intermediate_size=vision["encoder.layers.0.mlp.fc1.weight"].shape[0],
        num_hidden_layers=_layers(vision, "encoder.layers."),
        num_attention_heads=vision_heads,
        image_size=round(patches**0.5) * patch,
        patch_size=patch,
        layer_norm_eps=1e-6,
    )
    vocabulary, hidden = text["embeddings.word_embeddings.weight"].shape
    text_config = BlipTextConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        encoder_hidden_size=width,
        intermediate_size=text["encoder.layer.0.intermediate.dense.weight"].shape[0],
        num_hidden_layers=_layers(text, "encoder.layer."),
        num_attention_heads=text_heads,
        max_position_embeddings=text["embeddings.position_embeddings.weight"].shape[0],
        layer_norm_eps=1e-12,
    )
    return vision_config, vision, text_config, text, head


def affine_head(weights: dict[str, torch.Tensor]) -> dict:
    """A chain of linear layers without activations, as LAION's predictors are, as one affine map.

    Version 1 is one layer (`weight`, `bias`); version 2 is `layers.0` … `layers.7`.
    """
    names = [key[: -len("weight")] for key in weights if key.endswith("weight")]
    names.sort(key=lambda name: [int(part) for part in re.findall(r"\d+", name)])
    matrix = bias = None
    for name in names:
        w = weights[f"{name}weight"].double()
        b = weights[f"{name}bias"].double()
        matrix, bias = (w, b) if matrix is None else (w @ matrix, w @ bias + b)
    assert matrix.shape[0] == 1, f"the last layer has {matrix.shape[0]} outputs; expected 1"
    return {"weight": matrix[0].tolist(), "bias": bias.item()}
