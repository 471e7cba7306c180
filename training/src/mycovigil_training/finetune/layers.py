"""Which layer of a tower a parameter belongs to, for rates that fall towards the input."""

from __future__ import annotations

from typing import Any

from torch import nn

from mycovigil_training import torchvision_shim

# Vision transformers of open_clip, by its parameters' names; 99_999: with the block before.
OPEN_CLIP = {
    "stem": r"^(?:conv1|class_embedding|positional_embedding|ln_pre)",
    "blocks": [(r"^transformer\.resblocks\.(\d+)", None), (r"^(?:ln_post|proj)", (99_999,))],
}


def rated_groups(body: nn.Module, decay: float, weight_decay: float) -> list[dict[str, Any]]:
    """Optimiser groups of all parameters: `rate` is the share of the full learning rate, 1 in the
    last layer and `decay` times that of the next one in each other; weight decay for matrices and
    kernels alone.
    """
    layer = layers(body)
    top = max(layer.values())
    groups: dict[tuple[int, bool], list[nn.Parameter]] = {}
    for name, parameter in body.named_parameters():
        groups.setdefault((layer[name], parameter.ndim >= 2), []).append(parameter)
    return [
        {
            "params": parameters,
            "rate": decay ** (top - number),
            "weight_decay": weight_decay if matrices else 0.0,
        }
        for (number, matrices), parameters in sorted(groups.items(), key=lambda item: item[0])
    ]


def layers(body: nn.Module) -> dict[str, int]:
    """Number of the layer, from 0 at the input, of each parameter's name.

    timm's towers say it themselves, also inside of `mini` and of open_clip's towers, where what
    follows them is one layer more.
    """
    torchvision_shim.make_importable()
    from timm.models import group_parameters

    trunk: Any = getattr(body, "trunk", body)
    groups = trunk.group_matcher(coarse=False) if hasattr(trunk, "group_matcher") else OPEN_CLIP
    prefix = "" if trunk is body else "trunk."
    found: dict[str, int] = {
        prefix + name: number
        for name, number in group_parameters(trunk, groups, reverse=True).items()
    }
    after = max(found.values()) + 1
    return {name: found.get(name, after) for name, _ in body.named_parameters()}
