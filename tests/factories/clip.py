"""A tiny open_clip vision transformer with random weights, laid out as on the hub."""

import json
from pathlib import Path
from typing import Any

import torch

from mycovigil_training import torchvision_shim

CONFIG: dict[str, Any] = {
    "model_cfg": {
        "embed_dim": 24,
        "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "patch_size": 16},
        "text_cfg": {
            "context_length": 8,
            "vocab_size": 49_408,
            "width": 64,
            "heads": 2,
            "layers": 1,
        },
    },
    "preprocess_cfg": {"mean": [0.5, 0.4, 0.3], "std": [0.3, 0.2, 0.25]},
}


def tiny_clip_folder(folder: Path) -> Path:
    """Write configuration and weights into ``folder``; 32 px, 24 dimensions."""
    torchvision_shim.make_importable()
    import open_clip

    (folder / "open_clip_config.json").write_text(json.dumps(CONFIG))
    torch.manual_seed(2)
    model = open_clip.model.CLIP(**CONFIG["model_cfg"])
    torch.save(model.state_dict(), folder / "open_clip_pytorch_model.bin")
    return folder
