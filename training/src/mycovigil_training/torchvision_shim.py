"""Lets `torchvision` be imported beside a `torch` that lacks its compiled operators.

The registry's torchvision wheel is compiled against the CUDA build of torch. Beside the CPU build
its extension does not load, and `import torchvision` then fails with "operator torchvision::nms
does not exist" while it registers shape rules for operators that nobody defined. timm and
open_clip import torchvision for their transforms only, so declaring the two operators' names is
enough. They stay without a kernel: calling them still fails, as it should.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_SCHEMAS = {
    "nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}
_declared: list[torch.library.Library] = []  # torch withdraws the names with the last reference


def make_importable() -> bool:
    """Declare torchvision's operators if its own extension cannot; returns whether it had to."""
    import torch

    if _declared or hasattr(torch.ops.torchvision, "nms") or _extension_loads():
        return bool(_declared)
    library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for name, schema in _SCHEMAS.items():
        library.define(name + schema)  # type: ignore[no-untyped-call]
    _declared.append(library)
    return True


def _extension_loads() -> bool:
    import torch

    package = importlib.util.find_spec("torchvision")
    if package is None or package.origin is None:
        return True  # nothing to mend: the import will say that torchvision is missing
    extension = next(Path(package.origin).parent.glob("_C*.so"), None)
    if extension is None:
        return False
    try:
        torch.ops.load_library(str(extension))  # type: ignore[no-untyped-call]
    except OSError:
        return False
    return hasattr(torch.ops.torchvision, "nms")
