"""Writes the ONNX models that the rewards of packages/rewards run. See README.md."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import torch
from transformers import (
    AutoImageProcessor,
    AutoTokenizer,
    BlipForQuestionAnswering,
    BlipTextModel,
    BlipVisionModel,
    CLIPModel,
    Dinov2Model,
)

import checkpoints
import graphs

CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073]
CLIP_STD = [0.26862954, 0.26130258, 0.27577711]


def write_json(path: Path, value) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value) + "\n")


def write_reward(out: Path, **values) -> None:
    """Adds to a folder's reward.json, so that one CLIP may serve several rewards."""
    path = out / "reward.json"
    held = json.loads(path.read_text()) if path.exists() else {}
    write_json(path, held | values)


def write_preprocessor(out: Path, size: int, *, crop: bool) -> None:
    """CLIP's normalisation at a size: by the shorter side and a centre crop, or straight to a square."""
    square = {"height": size, "width": size}
    config = {"size": {"shortest_edge": size}, "crop_size": square} if crop else {"size": square}
    config |= {"do_resize": True, "do_center_crop": crop, "do_rescale": True, "do_normalize": True}
    config |= {"resample": 3, "rescale_factor": 1 / 255, "image_mean": CLIP_MEAN, "image_std": CLIP_STD}
    write_json(out / "preprocessor_config.json", config)


def write_tokenizer(out: Path, tokenizer) -> None:
    assert tokenizer.is_fast, "the tokenizer has no tokenizer.json"
    out.mkdir(parents=True, exist_ok=True)
    scratch = out / ".tokenizer"
    tokenizer.save_pretrained(scratch)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        write_json(out / name, json.loads((scratch / name).read_text()))
    shutil.rmtree(scratch)


def write_clip(out: Path, model: CLIPModel) -> None:
    size = model.config.vision_config.image_size
    write_json(out / "config.json", model.config.to_diff_dict())
    graphs.write_graph(
        graphs.Vision(model), (torch.zeros(2, 3, size, size),), out / "onnx/vision_model.onnx"
    )
    end = model.config.text_config.vocab_size - 1
    ids = torch.tensor([[0, 1, 2, 3, end]] * 2)
    graphs.write_graph(graphs.Text(model), (ids,), out / "onnx/text_model.onnx")
    write_reward(out, logitScale=model.logit_scale.item())


def write_blip_vqa(out: Path, model: BlipForQuestionAnswering, tokenizer) -> None:
    """[DEC] starts an answer and [ENC] a question, as in BLIP's own code; transformers leaves [CLS] there."""
    vision = graphs.BlipVision(model.vision_model)
    size = model.config.vision_config.image_size
    ids = {name: tokenizer.convert_tokens_to_ids(name) for name in ("[DEC]", "[ENC]", "no", "yes")}
    assert tokenizer.unk_token_id not in ids.values(), f"the vocabulary lacks one of {list(ids)}"
    write_json(out / "config.json", model.config.to_diff_dict())
    write_preprocessor(out, size, crop=False)
    pixels = torch.zeros(2, 3, size, size)
    graphs.write_graph(vision, (pixels,), out / "onnx/vision_model.onnx")
    question = graphs.BlipQuestion(model, ids["[DEC]"], ids["no"], ids["yes"])
    graphs.write_graph(question, text_example(vision(pixels)), out / "onnx/text_model.onnx")
    write_reward(out, encoderTokenId=ids["[ENC]"])


def write_image_reward(out: Path, vision: BlipVisionModel, text: graphs.ImageReward, **constants) -> None:
    """The constants are `mean` and `standardDeviation`, by which the score is standardised."""
    size = vision.config.image_size
    write_json(out / "config.json", {"model_type": "image-reward"})
    write_preprocessor(out, size, crop=True)
    pixels = torch.zeros(2, 3, size, size)
    graph = graphs.BlipVision(vision)
    graphs.write_graph(graph, (pixels,), out / "onnx/vision_model.onnx")
    graphs.write_graph(text, text_example(graph(pixels)), out / "onnx/text_model.onnx")
    write_reward(out, imageReward=constants)


def write_dino(out: Path, model: Dinov2Model, size: int) -> None:
    write_json(out / "config.json", model.config.to_diff_dict())
    graphs.write_graph(
        graphs.Dino(model, size), (torch.zeros(2, 3, size, size),), out / "onnx/model.onnx"
    )


def text_example(image_embeds: torch.Tensor) -> tuple:
    ids = torch.ones(2, 5, dtype=torch.long)
    return ids, torch.ones_like(ids), image_embeds.detach()


def export_clip(source: str, out: Path, args) -> None:
    """Any CLIP of transformers, such as openai/clip-vit-large-patch14 or yuvalkirstain/PickScore_v1."""
    write_clip(out, CLIPModel.from_pretrained(source, dtype=torch.float32))
    write_tokenizer(out, AutoTokenizer.from_pretrained(args.processor or source))
    processor = AutoImageProcessor.from_pretrained(args.processor or source, use_fast=False)
    write_json(out / "preprocessor_config.json", processor.to_dict())


def export_hpsv2(source: str, out: Path, args) -> None:
    """HPS_v2_compressed.pt or HPS_v2.1_compressed.pt: an open_clip ViT-H/14."""
    config, weights = checkpoints.clip_from_open_clip(
        checkpoints.load_weights(Path(source)), heads=16, text_heads=16
    )
    model = CLIPModel(config)
    model.load_state_dict(weights)
    write_clip(out, model)
    write_preprocessor(out, config.vision_config.image_size, crop=True)
    write_tokenizer(out, AutoTokenizer.from_pretrained(args.processor))


def export_aesthetic_head(source: str, out: Path, args) -> None:
    """sa_0_4_vit_l_14_linear.pth (--head v1) or sac+logos+ava1-l14-linearMSE.pth (--head v2)."""
    path = out / "reward.json"
    held = json.loads(path.read_text()) if path.exists() else {}
    head = checkpoints.affine_head(checkpoints.load_weights(Path(source)))
    write_reward(out, aesthetic=held.get("aesthetic", {}) | {args.head: head})


def export_image_reward(source: str, out: Path, args) -> None:
    """ImageReward.pt of THUDM/ImageReward: BLIP's ViT-L/16 and BERT base."""
    weights = checkpoints.load_weights(Path(source))
    vision_config, vision_weights, text_config, text_weights, head = checkpoints.image_reward_parts(
        weights, vision_heads=16, text_heads=12
    )
    vision = BlipVisionModel(vision_config)
    vision.load_state_dict(vision_weights)
    text = graphs.ImageReward(BlipTextModel(text_config, add_pooling_layer=False))
    text.text.load_state_dict(text_weights)
    text.layers.load_state_dict(head)
    write_image_reward(
        out, vision, text, mean=0.16717362830052426, standardDeviation=1.0333394966054072
    )
    # [CLS] starts a prompt and [DEC] and [ENC] never occur in one, so BERT's own vocabulary serves.
    write_tokenizer(out, AutoTokenizer.from_pretrained(args.processor or "bert-base-uncased"))


def export_blip_vqa(source: str, out: Path, args) -> None:
    """Salesforce/blip-vqa-base or blip-vqa-capfilt-large, which is the one that T2I-CompBench takes."""
    tokenizer = AutoTokenizer.from_pretrained(args.processor or source)
    # Where they are in BLIP's embedding: at 30522 and 30523, behind BERT's vocabulary.
    tokenizer.add_special_tokens({"bos_token": "[DEC]"})
    tokenizer.add_special_tokens({"additional_special_tokens": ["[ENC]"]})
    write_blip_vqa(out, BlipForQuestionAnswering.from_pretrained(source), tokenizer)
    write_tokenizer(out, tokenizer)


def export_dino(source: str, out: Path, args) -> None:
    """Any DINOv2 of transformers without registers, such as facebook/dinov2-base."""
    processor = AutoImageProcessor.from_pretrained(source, use_fast=False)
    write_dino(out, Dinov2Model.from_pretrained(source), processor.crop_size["height"])
    write_json(out / "preprocessor_config.json", processor.to_dict())


EXPORTS = {
    "clip": export_clip,
    "hpsv2": export_hpsv2,
    "aesthetic-head": export_aesthetic_head,
    "image-reward": export_image_reward,
    "blip-vqa": export_blip_vqa,
    "dino": export_dino,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=EXPORTS)
    parser.add_argument("--from", dest="source", required=True, help="owner/name, a folder, or a file")
    parser.add_argument("--processor", help="owner/name or folder of the tokenizer and image processor")
    parser.add_argument("--head", choices=["v1", "v2"], default="v2", help="for aesthetic-head")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    if args.kind == "hpsv2" and not args.processor:
        parser.error("hpsv2 needs --processor, such as laion/CLIP-ViT-H-14-laion2B-s32B-b79K")
    with torch.no_grad():
        EXPORTS[args.kind](args.source, args.out, args)


if __name__ == "__main__":
    main()
