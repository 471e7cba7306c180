"""Whether a checkpoint was trained with QuickGELU, which its weights do not say.

Under the plain name of an architecture open_clip would compute GELU with them, and QuickGELU with
others under a name of that: features that are subtly wrong, and no error.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import torch

QUICK = "-quickgelu"
# What OpenAI's checkpoints hold beside the weights; all of them were trained with QuickGELU.
OPENAI_KEYS = frozenset({"input_resolution", "context_length", "vocab_size"})
SHORTEST_DIGEST = 8
# Files of a model in a folder.
CONFIG, WEIGHTS = "open_clip_config.json", frozenset({".bin", ".pt", ".pth", ".safetensors"})


class ActivationMismatch(ValueError):
    """The checkpoint was trained with another activation than would be computed with it."""


def check(architecture: str, checkpoint: str) -> None:
    """Refuse a checkpoint file that was surely trained with QuickGELU under a plain name, or with
    GELU under a name of QuickGELU.

    Raises:
        ActivationMismatch: says what gives it away, and the name to use.
    """
    import open_clip

    file = Path(checkpoint)
    if not file.is_file():
        return
    if (open_clip.get_model_config(architecture) or {}).get("quick_gelu", False):
        if (tag := _tag_of(file, _digests(quick=False))) is not None:
            raise _mismatch(
                file, f"GELU (it is {tag})", f"{architecture} computes QuickGELU",
                f"Name it {architecture.removesuffix(QUICK)}:{checkpoint}",
            )  # fmt: skip
    elif (evidence := _evidence(file)) is not None:
        raise _mismatch(
            file, f"QuickGELU ({evidence})", f"{architecture} computes GELU",
            f"Name it {architecture}{QUICK}:{checkpoint}",
        )  # fmt: skip


def check_folder(folder: Path) -> None:
    """As :func:`check`, of the weights in a folder whose open_clip_config.json says GELU.

    Raises:
        ActivationMismatch: says what gives it away, and what to write.
    """
    try:
        config = json.loads((folder / CONFIG).read_text())["model_cfg"]
        files = sorted(file for file in folder.iterdir() if file.suffix in WEIGHTS)
    except (OSError, ValueError, LookupError, TypeError):
        return  # open_clip says what is wrong with it
    for file in files if not config.get("quick_gelu", False) else ():
        if (evidence := _evidence(file)) is not None:
            raise _mismatch(
                file, f"QuickGELU ({evidence})", f"{CONFIG} says GELU",
                'Write "quick_gelu": true into its model_cfg',
            )  # fmt: skip


def _mismatch(file: Path, trained: str, computed: str, remedy: str) -> ActivationMismatch:
    return ActivationMismatch(
        f"{file.name} was trained with {trained}, and {computed}: its features would be subtly "
        f"wrong. {remedy}"
    )


def _evidence(file: Path) -> str | None:
    """What shows QuickGELU: the file's digest, its name, or what lies beside the weights."""
    if (tag := _tag_of(file, _digests(quick=True))) is not None:
        return f"it is {tag}"
    if "quickgelu" in file.name.lower().replace("_", "").replace("-", ""):
        return "its name says so"
    return "it is in OpenAI's format" if _is_openai(file) else None


def _tag_of(file: Path, digests: dict[str, str]) -> str | None:
    """Architecture and tag of the weights with the file's digest."""
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return next((tag for tag, known in digests.items() if digest.startswith(known)), None)


def _digests(*, quick: bool) -> dict[str, str]:
    """sha256, or its beginning, of open_clip's weights with or without QuickGELU, by architecture
    and tag.

    It stands in the address: before the file's name, or at the end of it.
    """
    import open_clip

    found: dict[str, str] = {}
    for name, tag in open_clip.list_pretrained():
        config = open_clip.get_pretrained_cfg(name, tag) or {}
        url = config.get("url", "") if bool(config.get("quick_gelu", False)) is quick else ""
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
