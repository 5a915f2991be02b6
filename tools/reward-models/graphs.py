"""The graphs that the rewards run, as torch modules, and how they are written as ONNX."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import nn

OPSET = 18


class Vision(nn.Module):
    """Pixels `[batch, 3, height, width]` to `image_embeds`: CLIP's projected embedding `[batch, size]`."""

    inputs = ("pixel_values",)
    outputs = ("image_embeds",)

    def __init__(self, clip):
        super().__init__()
        self.clip = clip

    def forward(self, pixel_values):
        pooled = self.clip.vision_model(pixel_values=pixel_values).pooler_output
        return self.clip.visual_projection(pooled)


class Text(nn.Module):
    """Token ids `[batch, tokens]` to `text_embeds`: CLIP's projected embedding `[batch, size]`.

    Attention is causal and the embedding is read at the end-of-text token, so what pads a row plays no
    part in it, and no mask is needed.
    """

    inputs = ("input_ids",)
    outputs = ("text_embeds",)

    def __init__(self, clip):
        super().__init__()
        self.clip = clip

    def forward(self, input_ids):
        pooled = self.clip.text_model(input_ids=input_ids).pooler_output
        return self.clip.text_projection(pooled)


class BlipVision(nn.Module):
    """Pixels to `image_embeds` `[batch, patches + 1, hidden]`, which the text graph attends to."""

    inputs = ("pixel_values",)
    outputs = ("image_embeds",)

    def __init__(self, vision):
        super().__init__()
        self.vision = vision

    def forward(self, pixel_values):
        return self.vision(pixel_values=pixel_values).last_hidden_state


def mask_cross_attention(text: nn.Module) -> None:
    """Lets BLIP's texts see what `encoder_attention_mask` allows.

    transformers 4.5x hands the mask to cross-attention under a name that it does not read, so that an answer
    would depend on how its question is padded. BLIP's own code masks.
    """

    def hook(_module, args, kwargs):
        if kwargs.get("encoder_attention_mask") is None:
            kwargs["encoder_attention_mask"] = kwargs.get("attention_mask")
        return args, kwargs

    for name, module in text.named_modules():
        if name.endswith("crossattention.self"):
            module.register_forward_pre_hook(hook, with_kwargs=True)


class BlipQuestion(nn.Module):
    """Questions about images to `answer_logits` `[batch, 2]`: the first answer token's logits of "no" and "yes"."""

    inputs = ("input_ids", "attention_mask", "image_embeds")
    outputs = ("answer_logits",)

    def __init__(self, model, start_id: int, no_id: int, yes_id: int):
        super().__init__()
        self.encoder = model.text_encoder
        self.decoder = model.text_decoder
        mask_cross_attention(model)
        self.register_buffer("start", torch.tensor([[start_id]]))
        self.register_buffer("answers", torch.tensor([no_id, yes_id]))

    def forward(self, input_ids, attention_mask, image_embeds):
        states = self.encoder(
            input_ids=input_ids,
            attention_mask=attention_mask,
            encoder_hidden_states=image_embeds,
            encoder_attention_mask=torch.ones_like(image_embeds[:, :, 0], dtype=torch.long),
        ).last_hidden_state
        logits = self.decoder(
            input_ids=self.start.expand(input_ids.shape[0], 1),
            encoder_hidden_states=states,
            encoder_attention_mask=attention_mask,
        ).logits
        return logits[:, 0].index_select(1, self.answers)


class ImageReward(nn.Module):
    """Prompts and images to `reward` `[batch, 1]`, before it is standardised."""

    inputs = ("input_ids", "attention_mask", "image_embeds")
    outputs = ("reward",)

    def __init__(self, text, widths=(1024, 128, 64, 16)):
        super().__init__()
        self.text = text
        sizes = [text.config.hidden_size, *widths, 1]
        # Dropout in between, which does nothing after training, and no activation. Their places in the
        # published list of layers, for its keys: 0 2 4 6 7.
        self.layers = nn.ModuleList(nn.Linear(i, o) for i, o in zip(sizes, sizes[1:]))

    def forward(self, input_ids, attention_mask, image_embeds):
        hidden = self.text(
            input_ids=input_ids,
            attention_mask=attention_mask,
            encoder_hidden_states=image_embeds,
            encoder_attention_mask=torch.ones_like(image_embeds[:, :, 0], dtype=torch.long),
        ).last_hidden_state[:, 0]
        for layer in self.layers:
            hidden = layer(hidden)
        return hidden


class Dino(nn.Module):
    """Pixels to `pooler_output` `[batch, hidden]`: the class token after the last layer norm."""

    inputs = ("pixel_values",)
    outputs = ("pooler_output",)

    def __init__(self, model, size: int):
        super().__init__()
        embeddings = model.embeddings
        with torch.no_grad():
            patches = (size // model.config.patch_size) ** 2
            row = torch.zeros(1, patches + 1, model.config.hidden_size)
            positions = embeddings.interpolate_pos_encoding(row, size, size)
        # The size is fixed, so they are interpolated once, here, and not by the graph.
        embeddings.interpolate_pos_encoding = lambda *_: positions
        self.model = model

    def forward(self, pixel_values):
        return self.model(pixel_values=pixel_values).pooler_output


def write_graph(module: nn.Module, example: tuple, path: Path) -> None:
    """Writes a graph whose batch, and sequence where there is one, may have any length."""
    path.parent.mkdir(parents=True, exist_ok=True)
    axes = {name: {0: "batch"} for name in (*module.inputs, *module.outputs)}
    for name in ("input_ids", "attention_mask"):
        if name in axes:
            axes[name][1] = "sequence"
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            example,
            str(path),
            input_names=list(module.inputs),
            output_names=list(module.outputs),
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
    _gather_external(path)


def _gather_external(path: Path) -> None:
    """Weights beyond what a protobuf may hold are written as a file per tensor; puts them into one beside the graph."""
    import onnx

    others = [p for p in path.parent.iterdir() if p.suffix not in (".onnx", ".onnx_data")]
    if not others:
        return
    model = onnx.load(str(path))
    for other in others:
        other.unlink()
    onnx.save(model, str(path), save_as_external_data=True, location=f"{path.name}_data")
