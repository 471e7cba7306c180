"""The model's own novelty threshold: the distance beyond which its predictor cannot tell."""

import structlog

from mycovigil import registry
from mycovigil.bundle import BundleError
from mycovigil.db.model import Model
from mycovigil.storage import MissingObject, Storage

log = structlog.get_logger(__name__)
_KNOWN: dict[str, float] = {}


def threshold_of(storage: Storage, model: Model) -> float | None:
    """From the model's bundle, read once a process; nothing where the bundle is gone."""
    if model.artifact_sha256 not in _KNOWN:
        try:
            bundle = registry.load_bundle(storage, model)
        except (MissingObject, BundleError) as error:
            log.warning("no novelty threshold", model=model.version, error=str(error))
            return None
        _KNOWN[model.artifact_sha256] = bundle.meta.thresholds.novelty
    return _KNOWN[model.artifact_sha256]
