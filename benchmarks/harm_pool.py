"""Features of rendered photos that nights are drawn from: every species of the product's simulator
through the packaged encoder.

Every species is photographed 160 times with the cameras of the reference and 40 times with a new
phone. That takes some minutes and is kept in a file.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from drift_harm import TERMINAL
from rich.progress import track

from mycovigil.models.safety import CLASSES, SafetyClass
from mycovigil.vision.encoder.identity import PACKAGED, EncoderIdentity
from mycovigil.vision.image.decode import decode
from mycovigil_simulator.camera import NEW_PHONE, REFERENCE_CAMERAS, to_jpeg
from mycovigil_simulator.photo import render
from mycovigil_simulator.species import NOVEL, SPECIES
from mycovigil_statistics.sample import FloatArray

ALL = SPECIES + NOVEL
USUAL, PHONE = 160, 40
SIZE, AT_ONCE = 128, 40
EDIBLE, DEADLY = (CLASSES.index(name) for name in (SafetyClass.EDIBLE, SafetyClass.DEADLY))
CLASS_OF = np.array([CLASSES.index(SafetyClass(str(one.safety_class))) for one in ALL])
DEFAULT = Path("build/harm_photos.npz")


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """(s, 160, d) features of each species' photos, (s, 40, d) of those with the new phone."""

    usual: FloatArray
    phone: FloatArray

    @classmethod
    def at(cls, path: Path, seed: int = 31_337) -> "Pool":
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            rows = [
                _photographed(number, seed)
                for number in track(range(len(ALL)), "photos", console=TERMINAL)
            ]
            np.savez(path, features=np.stack(rows))
        features = np.load(path)["features"].astype(np.float64)
        return cls(features[:, :USUAL], features[:, USUAL:])


def _photographed(number: int, seed: int) -> FloatArray:
    """(200, d) features of one species' photos."""
    folder = PACKAGED / "mini" / "int8"
    identity = EncoderIdentity.read(folder)
    session = onnxruntime.InferenceSession(identity.checked_onnx(folder))
    pixels = []
    for shot in range(USUAL + PHONE):
        rng = np.random.default_rng([seed, number, shot])
        usual = shot < USUAL
        camera = REFERENCE_CAMERAS[rng.integers(len(REFERENCE_CAMERAS))] if usual else NEW_PHONE
        photo = render(ALL[number], seed=int(rng.integers(2**31)), size=SIZE, camera=camera)
        jpeg = to_jpeg(photo.pixels, camera)
        pixels.append(
            decode(jpeg, size=identity.image_size, max_pixels=10**6, resize=identity.resize).pixels
        )
    parts = [np.stack(pixels[at : at + AT_ONCE]) for at in range(0, len(pixels), AT_ONCE)]
    return np.vstack([session.run(None, {"pixels": part})[0] for part in parts])
