"""Whether a checkpoint was trained with QuickGELU, which its weights do not say.

Under the plain name of an architecture open_clip would compute GELU with them: features that are
subtly wrong, and no error.
"""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import torch

QUICK = "-quickgelu"
# What OpenAI's checkpoints hold beside the weights; all of them were trained with QuickGELU.
OPENAI_KEYS = frozenset({"input_resolution", "context_length", "vocab_size"})
SHORTEST_DIGEST = 8


class ActivationMismatch(ValueError):
    """The checkpoint was trained with QuickGELU, and is named as if it was not."""


def check(architecture: str, checkpoint: str) -> None:
    """Refuse a checkpoint file that was surely trained with QuickGELU under a plain name.

    Raises:
        ActivationMismatch: says what gives it away, and the name to use.
    """
    import open_clip

    if not Path(checkpoint).is_file():
        return
    config = open_clip.get_model_config(architecture) or {}
    if config.get("quick_gelu", False):
        return
    if (evidence := _evidence(Path(checkpoint))) is not None:
        raise ActivationMismatch(
            f"{Path(checkpoint).name} was trained with QuickGELU ({evidence}), and {architecture} "
            f"computes GELU: its features would be subtly wrong. Name it "
            f"{architecture}{QUICK}:{checkpoint}"
        )


def _evidence(file: Path) -> str | None:
    """What shows QuickGELU: the file's digest, its name, or what lies beside the weights."""
    digest = _digest(file)
    for tag, known in _quick_digests().items():
        if digest.startswith(known):
            return f"it is {tag}"
    if "quickgelu" in file.name.lower().replace("_", "").replace("-", ""):
        return "its name says so"
    return "it is in OpenAI's format" if _is_openai(file) else None


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _quick_digests() -> dict[str, str]:
    """sha256, or its beginning, of open_clip's QuickGELU weights, by architecture and tag.

    It stands in the address: before the file's name, or at the end of it.
    """
    import open_clip

    found: dict[str, str] = {}
    for name, tag in open_clip.list_pretrained():
        config = open_clip.get_pretrained_cfg(name, tag) or {}
        url = config.get("url", "") if config.get("quick_gelu", False) else ""
        if url:
            folder, _, file = url.rpartition("/")
            candidates = (folder.rpartition("/")[2], Path(file).stem.rpartition("-")[2])
            digests = [text for text in candidates if _is_digest(text)]
            found |= {f"{name}/{tag}": digest for digest in digests[:1]}
    return found


def _is_digest(text: str) -> bool:
    return len(text) >= SHORTEST_DIGEST and set(text) <= set("0123456789abcdef")


def _is_openai(file: Path) -> bool:
    """A TorchScript archive, as OpenAI published them, or its state with OpenAI's own keys."""
    if not zipfile.is_zipfile(file):
        return False
    with zipfile.ZipFile(file) as archive:
        if any(name.endswith("/constants.pkl") for name in archive.namelist()):
            return True
    try:
        state = torch.load(file, map_location="meta", weights_only=True)
    except Exception:  # of any pickle; loading the model says what is wrong with the file
        return False
    state = state.get("state_dict", state) if isinstance(state, dict) else {}
    return set(state) >= OPENAI_KEYS
