"""Makes the packaged demo model: trained on simulated photos, certified for nothing."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from mycovigil.models.bundle import Bundle, Certificate
from mycovigil.models.demo import registration
from mycovigil.models.safety import CertificateStatus
from mycovigil_simulator import dataset
from mycovigil_training.configuration import TrainConfig, compose
from mycovigil_training.dataset.curation import curate
from mycovigil_training.features.engine import Engine
from mycovigil_training.model.assembly import assemble
from mycovigil_training.register.reference_set import frozen_rows
from mycovigil_training.register.registration import ReferenceRows
from mycovigil_training.training import first_parts_of
from mycovigil_training.training_data import gather

VERSION = "demo-4"
ENCODER = "lite/int8-weights"
SIZE = 128  # pixels a side of a simulated photo
SEED = 20_261_130
# Small files: fewer anchors and reference rows than a real model has.
OVERRIDES = (
    "safety.anchors=240",
    "reference_rows=500",
    "augmentation.views=2",
    "safety.novelty_share=0.03",  # real photos are far from drawn ones: answer few of them
)
STATEMENT = (
    "Nothing is certified: this is the demo model, trained on drawn mushrooms, not for real ones."
)


@dataclass(frozen=True, slots=True)
class Made:
    """The bundle, and the files that were written."""

    bundle: Bundle
    files: tuple[Path, ...]


def make(target: Path, *, per_species: int, workers: int) -> Made:
    """Simulate ``per_species`` photos of each species, train on them, and write the bundle and
    its reference set into ``target``. No photo is kept.

    Raises:
        FileNotFoundError: the encoder is not packaged.
    """
    config = compose(OVERRIDES)
    with TemporaryDirectory() as place:
        photos, curated = Path(place) / "photos", Path(place) / "curated"
        dataset.write(photos, per_species=per_species, seed=SEED, size=SIZE, workers=workers)
        curate(photos, curated)
        bundle, rows = _trained(curated, config)
    files = {
        registration.BUNDLE: bundle.to_bytes(),
        registration.REFERENCE_SET: frozen_rows(bundle, rows.rows).to_bytes(),
    }
    target.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (target / name).write_bytes(data)
    return Made(bundle, tuple(target / name for name in files))


def _trained(folder: Path, config: TrainConfig) -> tuple[Bundle, ReferenceRows]:
    """The bundle, and its reference rows: photos that it was not trained on."""
    engine = Engine(ENCODER)
    data = gather(folder, engine, config)
    parts, held = first_parts_of(data, engine, config)
    bundle = assemble(
        parts,
        config,
        identity=engine.identity,
        encoder_uri=ENCODER,
        origin={"kind": "demo", "dataset": "simulated", "overrides": list(OVERRIDES)},
    )
    meta = bundle.meta.model_copy(
        update={"version": VERSION, "certificate": _uncertified(bundle.meta.certificate)}
    )
    rows = ReferenceRows(held, "training").chosen(config.reference_rows, config.seed)
    return bundle.model_copy(update={"meta": meta}), rows


def _uncertified(certificate: Certificate) -> Certificate:
    """Whatever the simulated photos support, it holds for no real one."""
    return certificate.model_copy(
        update={
            "state": CertificateStatus.NOT_CERTIFIABLE,
            "bound": None,
            "statement": STATEMENT,
        }
    )
